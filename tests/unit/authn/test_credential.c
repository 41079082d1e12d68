/* Which credential of a request counts, from every place where one may stand. */
#include "authn/credential.h"
#include "core/jsonload.h"
#include "support/cmocka_prelude.h"

#include <errno.h>

struct desk {
	struct credential_rules rules;
	struct arena arena;
	uint32_t bits; /* of the issuer that names places */
};

static json_t *json_of(const char *text)
{
	json_t *value = json_load_strict(sv_of(text), 0, NULL);
	assert_non_null(value);
	return value;
}

static int set_up(void **state)
{
	static struct desk desk;
	static char param[] = "access_token", cookie[] = "jwt";
	static char *params[] = {param}, *cookies[] = {cookie};
	json_t *headers = json_of("[{\"name\":\"X-Jwt\"},{\"name\":\"X-Auth\",\"prefix\":\"JWT \"},"
	                          "{\"name\":\"Authorization\",\"prefix\":\"Token \"}]");
	const struct place_words words = {headers, {params, 1}, {cookies, 1}};
	desk = (struct desk){0};
	assert_int_equal(places_init(&desk.rules.places), 0);
	assert_int_equal(places_read(&words, "", NULL, &desk.rules.places, &desk.bits), 0);
	assert_int_equal(arena_init(&desk.arena, 4096), 0);
	json_decref(headers);
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	places_fini(&desk->rules.places);
	arena_fini(&desk->arena);
	return 0;
}

/* name and value in turn, as req.hdrs_bin */
#define HEADERS(text) SV(text "\0\0")

struct row {
	const char *authorization; /* NULL: there is none */
	struct sv headers, query, cookie;
	enum credential_kind kind; /* CREDENTIAL_NONE with a reason: refused */
	struct sv text;
	enum reason why;
};

static void check(struct desk *desk, const struct row *row)
{
	const struct request req = {.n_authorization = row->authorization != NULL,
	                            .authorization = sv_of(row->authorization),
	                            .headers = row->headers,
	                            .query = row->query,
	                            .cookie = row->cookie};
	struct credential credential;
	enum reason why = REASON_INTERNAL;
	arena_reset(&desk->arena);
	bool good = credential_find(&desk->rules, &req, &desk->arena, &credential, &why);
	assert_int_equal(why, row->why);
	assert_int_equal(good, why == REASON_INTERNAL);
	if (!good)
		return;
	assert_int_equal(credential.kind, row->kind);
	assert_true(sv_eq(credential.text, row->text));
	assert_int_equal(credential.kind == CREDENTIAL_BEARER, credential.places != 0);
}

#define BEARER(token) .kind = CREDENTIAL_BEARER, .text = SV(token)

static void a_token_is_found_in_every_place(void **state)
{
	static const struct row rows[] = {
		{0},
		{.authorization = "Bearer t", BEARER("t")},
		{.authorization = "Token t", BEARER("t")},
		{.authorization = "token t", .why = REASON_UNSUPPORTED_CREDENTIAL},
		{.authorization = "Token ", .why = REASON_UNSUPPORTED_CREDENTIAL},
		{.headers = HEADERS("\x05x-jwt\x01t"), BEARER("t")},
		{.headers = HEADERS("\x05X-JWT\x02 t"), BEARER("t")},
		{.headers = HEADERS("\x06x-auth\x05JWT t"), BEARER("t")},
		{.headers = HEADERS("\x06x-auth\x05jwt t")},
		{.headers = HEADERS("\x05x-jwt\x00")},
		{.headers = HEADERS("\x01y\x01t")},
		{.headers = SV("\x05x-jwt\x01t"), .why = REASON_BAD_REQUEST},
		{.headers = SV("\x05x-jw"), .why = REASON_BAD_REQUEST},
		{.query = SV("a=b&access_token=%74"), BEARER("t")},
		{.query = SV("access_token=")},
		{.query = SV("access_token=%7"), .why = REASON_TOKEN_MALFORMED},
		{.cookie = SV("a=b; jwt=t"), BEARER("t")},
		{.cookie = SV("a=b; JWT=t")},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(*state, &rows[i]);
}

/* Who would be believed must not hang on who reads first. */
static void two_tokens_are_refused_and_the_same_is_one(void **state)
{
	static const struct row rows[] = {
		{.authorization = "Bearer t", .cookie = SV("jwt=t"), BEARER("t")},
		{.headers = HEADERS("\x05x-jwt\x01t"), .query = SV("access_token=t"), BEARER("t")},
		{.authorization = "Bearer t",
	         .cookie = SV("jwt=u"),
	         .why = REASON_MULTIPLE_CREDENTIALS},
		{.headers = HEADERS("\x05x-jwt\x01t"),
	         .query = SV("access_token=u"),
	         .why = REASON_MULTIPLE_CREDENTIALS},
		{.headers = HEADERS("\x05x-jwt\x01t\x05x-jwt\x01t"),
	         .why = REASON_MULTIPLE_CREDENTIALS},
		{.query = SV("access_token=t&access_token=t"), .why = REASON_MULTIPLE_CREDENTIALS},
		{.cookie = SV("jwt=t; jwt=t"), .why = REASON_MULTIPLE_CREDENTIALS},
		{.authorization = "Digest t",
	         .cookie = SV("jwt=t"),
	         .why = REASON_MULTIPLE_CREDENTIALS},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(*state, &rows[i]);
}

static void the_preferred_kind_counts_and_the_others_are_not_looked_at(void **state)
{
	struct desk *desk = *state;
	json_t *order = json_of("[\"bearer\"]");
	assert_int_equal(credential_precedence_read(order, NULL, &desk->rules), 0);
	json_decref(order);
	static const struct row rows[] = {
		{.authorization = "Digest t", .cookie = SV("jwt=t"), BEARER("t")},
		{.authorization = "Digest t", .why = REASON_UNSUPPORTED_CREDENTIAL},
		{.authorization = "Digest t",
	         .cookie = SV("jwt=t; jwt=u"),
	         .why = REASON_MULTIPLE_CREDENTIALS},
		{.authorization = "Bearer t",
	         .cookie = SV("jwt=u"),
	         .why = REASON_MULTIPLE_CREDENTIALS},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(desk, &rows[i]);
}

static void places_have_a_bit_each(void **state)
{
	struct desk *desk = *state;
	assert_int_equal(desk->rules.places.n, 6);
	assert_int_equal(desk->bits, 0x3e); /* not the bearer's: it was not named */
	static const struct place_words none;
	uint32_t bits;
	assert_int_equal(places_read(&none, "", NULL, &desk->rules.places, &bits), 0);
	assert_int_equal(bits, PLACE_BIT(PLACE_BEARER));
	json_t *headers = json_of("[{\"name\":\"AUTHORIZATION\",\"prefix\":\"bearer\"},"
	                          "{\"name\":\"x-jwt\"}]");
	const struct place_words again = {.from_headers = headers};
	assert_int_equal(places_read(&again, "", NULL, &desk->rules.places, &bits), 0);
	assert_int_equal(bits, PLACE_BIT(PLACE_BEARER) | PLACE_BIT(1));
	assert_int_equal(desk->rules.places.n, 6);
	json_decref(headers);
}

static void what_is_wrong_in_a_policy_set_is_named(void **state)
{
	static const struct {
		const char *headers, *precedence, *pointer, *code;
	} rows[] = {
		{"[{\"name\":\"a b\"}]", "[]", "/i/fromHeaders/0", "bad_value"},
		{"[{\"name\":\"a\"},{\"prefix\":\"x\"}]", "[]", "/i/fromHeaders/1", "missing_key"},
		{"[{\"name\":\"a\",\"prefix\":\"\\u0001\"}]", "[]", "/i/fromHeaders/0",
	         "bad_value"},
		{"{}", "[]", "/i/fromHeaders", "wrong_type"},
		{"[7]", "[]", "/i/fromHeaders/0", "wrong_type"},
		{"[]", "[\"bearer\",\"bearer\"]", "/credentialPrecedence/1", "duplicate_value"},
		{"[]", "[\"token\"]", "/credentialPrecedence/0", "unknown_value"},
		{"[]", "[7]", "/credentialPrecedence/0", "unknown_value"},
		{"[]", "\"bearer\"", "/credentialPrecedence", "wrong_type"},
	};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct diag d = diag_over("test", (struct sv){0});
		json_t *headers = json_of(rows[i].headers), *order = json_of(rows[i].precedence);
		const struct place_words words = {.from_headers = headers};
		struct credential_rules rules = {0};
		uint32_t bits;
		int places = places_read(&words, "/i", &d, &desk->rules.places, &bits);
		int precedence = credential_precedence_read(order, &d, &rules);
		assert_int_equal(places ? places : precedence, -EINVAL);
		assert_int_equal(d.n, 1);
		assert_string_equal(d.items[0].pointer, rows[i].pointer);
		assert_string_equal(d.items[0].code, rows[i].code);
		json_decref(headers);
		json_decref(order);
		diag_fini(&d);
	}
}

static void a_policy_set_has_a_bit_for_each_place_or_is_refused(void **state)
{
	struct desk *desk = *state;
	struct diag d = diag_over("test", (struct sv){0});
	json_t *headers = json_array();
	for (int i = 0; i < PLACES_MAX; i++)
		json_array_append_new(headers, json_pack("{s:o}", "name", json_sprintf("h%d", i)));
	const struct place_words words = {.from_headers = headers};
	uint32_t bits;
	assert_int_equal(places_read(&words, "/i", &d, &desk->rules.places, &bits), -EINVAL);
	assert_int_equal(desk->rules.places.n, PLACES_MAX);
	assert_string_equal(d.items[0].code, "too_many_places");
	json_decref(headers);
	diag_fini(&d);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(a_token_is_found_in_every_place),
		TEST(two_tokens_are_refused_and_the_same_is_one),
		TEST(the_preferred_kind_counts_and_the_others_are_not_looked_at),
		TEST(places_have_a_bit_each),
		TEST(what_is_wrong_in_a_policy_set_is_named),
		TEST(a_policy_set_has_a_bit_for_each_place_or_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
