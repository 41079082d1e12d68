/* API keys: their text, the table of all of them, and a request with one -> who it is. */
#include "authn/apikey.h"
#include "authn/apikeys.h"
#include "authn/apikeytext.h"
#include "authn/authn.h"
#include "authn/tokencache.h"
#include "core/limits.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

enum { NOW = 86400 * 100 };

static const uint8_t pepper[APIKEY_PEPPER_BYTES] = {1, 2, 3};

/* ---- the text ---- */

static void a_made_key_has_its_form(void **state)
{
	(void)state;
	char one[APIKEY_TEXT_BYTES], two[APIKEY_TEXT_BYTES];
	struct sv id;
	assert_true(apikey_text_make(one) && apikey_text_make(two));
	assert_int_equal(strlen(one), APIKEY_TEXT_CHARS);
	assert_true(strcmp(one, two) != 0);
	assert_true(apikey_text_begins(sv_of(one)));
	assert_true(apikey_text_id(sv_of(one), &id));
	assert_int_equal(id.n, APIKEY_TEXT_ID_CHARS);
	assert_true(apikey_text_check(sv_of(one)));
}

/* The checksum as a scanner would reckon it: CRC-32 of the rest, in base 62, most significant first. */
static void the_checksum_is_the_documented_one(void **state)
{
	(void)state;
	static const char key[] = "hw_0123456789ABCDEF_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg";
	char text[APIKEY_TEXT_BYTES];
	/* zlib.crc32(key) = 3442952291 */
	(void)snprintf(text, sizeof(text), "%s%s", key, "3l0HAZ");
	struct sv id;
	assert_true(apikey_text_id(sv_of(text), &id));
	assert_true(sv_eq(id, SVL("0123456789ABCDEF")));
	assert_true(apikey_text_check(sv_of(text)));
}

static void one_wrong_character_is_seen(void **state)
{
	(void)state;
	char text[APIKEY_TEXT_BYTES];
	struct sv id;
	assert_true(apikey_text_make(text));
	for (size_t i = 0; i < APIKEY_TEXT_CHARS; i++) {
		char good = text[i];
		text[i] = good == 'x' ? 'y' : 'x';
		assert_false(apikey_text_id(sv_of(text), &id) && apikey_text_check(sv_of(text)));
		text[i] = good;
	}
	assert_true(apikey_text_id(sv_of(text), &id) && apikey_text_check(sv_of(text)));
}

static void other_forms_are_no_keys(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",
		"hw_",
		"hw_0123456789ABCDEF_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg00000",
		"hw_0123456789ABCDEF_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg0000000",
		"hw-0123456789ABCDEF_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000",
		"HW_0123456789ABCDEF_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000",
		"hw_0123456789ABCDEF-0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000",
		"hw_0123456789ABCD_F_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg000000",
		"hw_0123456789ABCDEF_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcde-g000000",
		"hw_0123456789ABCDEF_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcde g000000",
	};
	struct sv id;
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_false(apikey_text_id(sv_of(cases[i]), &id));
}

/* ---- the table ---- */

static struct apikey row_of(const char *text, uint8_t mac[SHA256_BYTES])
{
	struct apikey row = {.owner = SV("anna")};
	assert_true(apikey_text_id(sv_of(text), &row.id));
	assert_true(apikey_text_mac(pepper, sv_of(text), mac));
	row.mac = (struct sv){(const char *)mac, SHA256_BYTES};
	return row;
}

static void every_key_of_many_is_found(void **state)
{
	(void)state;
	enum { N = 3000 };
	struct apikeys *table;
	char(*texts)[APIKEY_TEXT_BYTES] = calloc(N, sizeof(*texts));
	uint8_t mac[SHA256_BYTES];
	assert_int_equal(apikeys_new(pepper, N, &table), 0);
	for (size_t i = 0; i < N; i++) {
		char owner[16];
		assert_true(apikey_text_make(texts[i]));
		struct apikey row = row_of(texts[i], mac);
		(void)snprintf(owner, sizeof(owner), "user-%zu", i);
		row.owner = sv_of(owner);
		row.scopes = i % 2 ? SVL("a\nb") : (struct sv){0};
		assert_int_equal(apikeys_add(table, &row), 0);
	}
	apikeys_trim(table);
	assert_int_equal(apikeys_count(table), N);
	for (size_t i = 0; i < N; i++) {
		struct apikey found, wanted = row_of(texts[i], mac);
		apikeys_place place = apikeys_find(table, wanted.id);
		char owner[16];
		(void)snprintf(owner, sizeof(owner), "user-%zu", i);
		assert_int_equal(place, i);
		apikeys_at(table, place, &found);
		assert_true(sv_eq(found.id, wanted.id) && sv_eq(found.mac, wanted.mac));
		assert_true(sv_eq(found.owner, sv_of(owner)));
		assert_int_equal(found.scopes.n, i % 2 ? 3 : 0);
		assert_int_equal(found.groups.n + found.services.n + found.client.n, 0);
	}
	assert_int_equal(apikeys_find(table, SVL("0000000000000000")), APIKEYS_NONE);
	assert_int_equal(apikeys_find(table, SVL("short")), APIKEYS_NONE);
	shared_unref(apikeys_shared(table));
	free(texts);
}

static void rows_that_are_none_are_refused(void **state)
{
	(void)state;
	struct apikeys *table;
	char text[APIKEY_TEXT_BYTES], other[APIKEY_TEXT_BYTES];
	uint8_t mac[SHA256_BYTES], other_mac[SHA256_BYTES];
	assert_true(apikey_text_make(text) && apikey_text_make(other));
	assert_int_equal(apikeys_new(pepper, 1, &table), 0);
	const struct apikey good = row_of(text, mac);
	struct apikey bad[] = {good, good, good, good};
	bad[0].id.n--;
	bad[1].mac.n--;
	bad[2].owner.n = 0;
	bad[3].networks = SVL("10.0.0.0/8\nnowhere");
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(apikeys_add(table, &bad[i]), -EBADMSG);
	assert_int_equal(apikeys_add(table, &good), 0);
	struct apikey more = row_of(other, other_mac);
	assert_int_equal(apikeys_add(table, &more), -ENOSPC);
	shared_unref(apikeys_shared(table));
}

static void a_day_is_marked_once_and_noted_once(void **state)
{
	(void)state;
	struct apikeys *table;
	char text[APIKEY_TEXT_BYTES];
	uint8_t mac[SHA256_BYTES];
	assert_true(apikey_text_make(text));
	assert_int_equal(apikeys_new(pepper, 1, &table), 0);
	struct apikey row = row_of(text, mac);
	row.used_day = 5;
	assert_int_equal(apikeys_add(table, &row), 0);
	assert_int_equal(apikeys_used_day(table, 0), 5);
	assert_int_equal(apikeys_unnoted_day(table, 0), 0);
	apikeys_mark_used(table, 0, 5);
	assert_int_equal(apikeys_unnoted_day(table, 0), 0); /* told already */
	apikeys_mark_used(table, 0, 7);
	assert_int_equal(apikeys_used_day(table, 0), 7);
	assert_int_equal(apikeys_unnoted_day(table, 0), 7);
	apikeys_note(table, 0, 7);
	apikeys_mark_used(table, 0, 7);
	assert_int_equal(apikeys_unnoted_day(table, 0), 0);
	apikeys_mark_used(table, 0, 8);
	apikeys_note(table, 0, 7); /* late: of a day that is over */
	assert_int_equal(apikeys_unnoted_day(table, 0), 8);
	apikeys_mark_used(table, 0, INT64_MAX);
	assert_int_equal(apikeys_used_day(table, 0), 8);
	shared_unref(apikeys_shared(table));
}

/* ---- a request ---- */

struct desk {
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	char text[APIKEY_TEXT_BYTES];
	uint8_t mac[SHA256_BYTES];
	struct apikey row;
	struct shared *table;
};

static struct desk desk;

static void publish(void)
{
	struct apikeys *table;
	shared_unref(desk.table);
	assert_int_equal(apikeys_new(pepper, 1, &table), 0);
	assert_int_equal(apikeys_add(table, &desk.row), 0);
	desk.table = apikeys_shared(table);
}

static int set_up(void **state)
{
	(void)state;
	desk = (struct desk){0};
	static const struct authn_document document;
	assert_int_equal(authn_compile(&document, NULL, NULL, &desk.authn), 0);
	desk.cache = tokencache_new(16);
	assert_int_equal(arena_init(&desk.arena, REQUEST_ARENA_BYTES), 0);
	assert_true(apikey_text_make(desk.text));
	desk.row = row_of(desk.text, desk.mac);
	publish();
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	shared_unref(desk.table);
	authn_free(desk.authn);
	tokencache_free(desk.cache);
	arena_fini(&desk.arena);
	return 0;
}

/* The reason of a refusal; REASON_POLICY_ALLOWED: none. */
static enum reason ask(const struct request *req, const char *service, struct identity *ret)
{
	enum reason why = REASON_INTERNAL;
	const struct authn_ctx ctx = {.cache = desk.cache,
	                              .arena = &desk.arena,
	                              .now_s = NOW,
	                              .apikeys = desk.table,
	                              .service = sv_of(service)};
	arena_reset(&desk.arena);
	*ret = (struct identity){0};
	enum authn_outcome outcome = authn_identify(desk.authn, &ctx, req, ret, &why);
	assert_true(outcome != AUTHN_ANONYMOUS);
	assert_true(outcome == AUTHN_OK || ret->method == AUTH_NONE);
	return outcome == AUTHN_OK ? REASON_POLICY_ALLOWED : why;
}

static struct request with_key(const char *text)
{
	struct request req = {.n_api_key = 1, .api_key = sv_of(text), .cert_verify = -1};
	assert_true(netaddr_parse(SVL("10.1.2.3"), &req.src));
	return req;
}

static void a_key_stands_for_its_owner(void **state)
{
	(void)state;
	desk.row.client = SVL("batch");
	desk.row.groups = SVL("staff\nall hands");
	desk.row.scopes = SVL("orders:read\norders:write");
	desk.row.ends_s = NOW + 1;
	publish();
	struct request req = with_key(desk.text);
	for (int i = 0; i < 2; i++) { /* fresh, then from the cache: the same */
		struct identity who;
		char principal[64];
		assert_int_equal(ask(&req, "orders", &who), REASON_POLICY_ALLOWED);
		assert_int_equal(who.method, AUTH_API_KEY);
		assert_true(sv_eq(who.user, SVL("anna")) && sv_eq(who.client, SVL("batch")));
		(void)snprintf(principal, sizeof(principal), "haward:apikey/%.*s",
		               SV_ARG(desk.row.id));
		assert_true(sv_eq(who.principal, sv_of(principal)));
		assert_int_equal(who.n_groups, 2);
		assert_true(sv_eq(who.groups[1], SVL("all hands")));
		assert_int_equal(who.n_scopes, 2);
		assert_true(sv_eq(who.scopes[0], SVL("orders:read")));
		assert_string_equal(json_string_value(json_object_get(who.claims, "scope")),
		                    "orders:read orders:write");
		assert_string_equal(json_string_value(json_object_get(who.claims, "owner")),
		                    "anna");
		assert_int_equal(who.expires_at, NOW + 1);
		assert_int_equal(tokencache_counts(desk.cache).n_hits, i);
	}
	assert_int_equal(apikeys_used_day(apikeys_of(desk.table), 0), 100);
}

static void a_key_is_taken_in_three_places(void **state)
{
	(void)state;
	static const char *const schemes[] = {"Bearer", "bearer", "ApiKey", "APIKEY "};
	struct identity who;
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++) {
		char field[96];
		(void)snprintf(field, sizeof(field), "%s %s", schemes[i], desk.text);
		const struct request req = {
			.n_authorization = 1, .authorization = sv_of(field), .cert_verify = -1};
		assert_int_equal(ask(&req, "orders", &who), REASON_POLICY_ALLOWED);
	}
	struct request req = with_key(desk.text);
	assert_int_equal(ask(&req, "orders", &who), REASON_POLICY_ALLOWED);
	req.n_api_key = 2;
	assert_int_equal(ask(&req, "orders", &who), REASON_MULTIPLE_CREDENTIALS);
	req.n_api_key = 1;
	req.n_authorization = 1;
	req.authorization = SVL("Bearer x");
	assert_int_equal(ask(&req, "orders", &who), REASON_MULTIPLE_CREDENTIALS);
	char field[96]; /* one key in two places is one */
	(void)snprintf(field, sizeof(field), "Bearer %s", desk.text);
	req.authorization = sv_of(field);
	assert_int_equal(ask(&req, "orders", &who), REASON_POLICY_ALLOWED);
}

static void refuse(const char *text, const char *service, enum reason wanted)
{
	struct identity who;
	struct request req = with_key(text);
	for (int i = 0; i < 2; i++)
		assert_int_equal(ask(&req, service, &who), wanted);
}

static void each_refusal_has_its_reason(void **state)
{
	(void)state;
	char other[APIKEY_TEXT_BYTES], mixed[APIKEY_TEXT_BYTES];
	assert_true(apikey_text_make(other));
	refuse("", "orders", REASON_API_KEY_MALFORMED);
	refuse("secret", "orders", REASON_API_KEY_MALFORMED);
	refuse(other, "orders", REASON_API_KEY_UNKNOWN);
	/* the right id with another's secret: the checksum no longer holds, or it is unknown */
	memcpy(mixed, other, sizeof(mixed));
	memcpy(mixed + 3, desk.row.id.at, desk.row.id.n);
	refuse(mixed, "orders", REASON_API_KEY_MALFORMED);

	desk.row.services = SVL("reports\norders");
	publish();
	refuse(desk.text, "orders", REASON_POLICY_ALLOWED);
	refuse(desk.text, "report", REASON_API_KEY_SERVICE);
	refuse(desk.text, "", REASON_API_KEY_SERVICE);
	desk.row.networks = SVL("192.0.2.0/24\n10.1.0.0/16");
	publish();
	refuse(desk.text, "orders", REASON_POLICY_ALLOWED);
	desk.row.networks = SVL("192.0.2.0/24\n2001:db8::/32");
	publish();
	refuse(desk.text, "orders", REASON_API_KEY_NETWORK);
	desk.row.ends_s = NOW;
	publish();
	refuse(desk.text, "orders", REASON_API_KEY_EXPIRED);
	desk.row.is_revoked = true;
	publish();
	refuse(desk.text, "orders", REASON_API_KEY_REVOKED);
	shared_unref(TAKE(desk.table));
	refuse(desk.text, "orders", REASON_API_KEYS_UNAVAILABLE);
}

/* A table that knows another secret under the id: what an attacker who knows only the id meets. */
static void a_wrong_secret_is_as_unknown_as_a_wrong_id(void **state)
{
	(void)state;
	desk.mac[31] ^= 1;
	desk.row.is_revoked = true; /* which is nobody's business without the secret */
	publish();
	refuse(desk.text, "orders", REASON_API_KEY_UNKNOWN);
}

static void a_cached_key_ends_with_its_table(void **state)
{
	(void)state;
	struct identity who;
	struct request req = with_key(desk.text);
	assert_int_equal(ask(&req, "orders", &who), REASON_POLICY_ALLOWED);
	assert_int_equal(ask(&req, "orders", &who), REASON_POLICY_ALLOWED);
	desk.mac[0] ^= 1;
	publish();
	assert_int_equal(ask(&req, "orders", &who), REASON_API_KEY_UNKNOWN);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_made_key_has_its_form),
		cmocka_unit_test(the_checksum_is_the_documented_one),
		cmocka_unit_test(one_wrong_character_is_seen),
		cmocka_unit_test(other_forms_are_no_keys),
		cmocka_unit_test(every_key_of_many_is_found),
		cmocka_unit_test(rows_that_are_none_are_refused),
		cmocka_unit_test(a_day_is_marked_once_and_noted_once),
		cmocka_unit_test_setup_teardown(a_key_stands_for_its_owner, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_key_is_taken_in_three_places, set_up, tear_down),
		cmocka_unit_test_setup_teardown(each_refusal_has_its_reason, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_wrong_secret_is_as_unknown_as_a_wrong_id, set_up,
	                                        tear_down),
		cmocka_unit_test_setup_teardown(a_cached_key_ends_with_its_table, set_up,
	                                        tear_down),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
