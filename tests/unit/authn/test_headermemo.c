/* What is remembered of a header is what reading it would give, and only of its very text. */
#include "authn/headermemo.h"
#include "minter.h"

static struct jwt_header read_header(const char *text, char **encoded)
{
	struct jwt_header header = {0};
	enum reason why;
	*encoded = minter_encode(text, strlen(text));
	assert_true(jwt_header_read(sv_of(*encoded), &header, &why));
	return header;
}

static void keep(struct headermemo *memo, const char *text)
{
	char *encoded;
	struct jwt_header header = read_header(text, &encoded);
	headermemo_keep(memo, sv_of(encoded), &header);
	json_decref(header.document);
	free(encoded);
}

static bool knows(const struct headermemo *memo, const char *text)
{
	char *encoded = minter_encode(text, strlen(text));
	struct jwt_header header;
	bool known = headermemo_find(memo, sv_of(encoded), &header);
	if (known)
		json_decref(header.document);
	free(encoded);
	return known;
}

static void a_known_text_gives_what_was_read(void **state)
{
	(void)state;
	struct headermemo memo = {0};
	char *encoded;
	struct jwt_header
		read = read_header(
			"{\"alg\":\"ES256\",\"kid\":\"k\",\"typ\":\"application/at+jwt\"}",
			&encoded),
		known;
	assert_false(headermemo_find(&memo, sv_of(encoded), &known));
	headermemo_keep(&memo, sv_of(encoded), &read);
	json_decref(read.document);
	assert_true(headermemo_find(&memo, sv_of(encoded), &known));
	headermemo_fini(&memo); /* what was found holds on its own */
	assert_int_equal(known.alg, JWS_ES256);
	assert_true(sv_eq(known.kid, SVL("k")));
	assert_true(sv_eq(known.typ, SVL("at+jwt")));
	json_decref(known.document);
	assert_false(headermemo_find(&memo, sv_of(encoded), &known));
	free(encoded);
}

static void another_text_is_not_known(void **state)
{
	(void)state;
	struct headermemo memo = {0};
	struct jwt_header header;
	keep(&memo, "{\"alg\":\"ES256\",\"kid\":\"k\"}");
	assert_true(knows(&memo, "{\"alg\":\"ES256\",\"kid\":\"k\"}"));
	assert_false(knows(&memo, "{\"alg\":\"ES256\",\"kid\":\"K\"}"));
	assert_false(knows(&memo, "{\"alg\":\"ES256\",\"kid\":\"k\"} "));
	assert_false(knows(&memo, "{\"alg\":\"ES384\",\"kid\":\"k\"}"));
	assert_false(knows(&memo, "{\"alg\":\"none\"}"));
	assert_false(headermemo_find(&memo, SVL(""), &header));
	headermemo_fini(&memo);
}

/* The oldest makes room; one that is known is not kept twice; a long one not at all. */
static void its_room_is_bounded(void **state)
{
	(void)state;
	struct headermemo memo = {0};
	char text[512];
	for (int i = 0; i < HEADERMEMO_ROWS + 2; i++) {
		(void)snprintf(text, sizeof(text), "{\"alg\":\"ES256\",\"kid\":\"%d\"}", i);
		keep(&memo, text);
		keep(&memo, text);
	}
	for (int i = 0; i < HEADERMEMO_ROWS + 2; i++) {
		(void)snprintf(text, sizeof(text), "{\"alg\":\"ES256\",\"kid\":\"%d\"}", i);
		assert_int_equal(knows(&memo, text), i >= 2);
	}
	(void)snprintf(text, sizeof(text), "{\"alg\":\"ES256\",\"x\":\"%0*d\"}",
	               HEADERMEMO_TEXT_MAX_BYTES, 1);
	keep(&memo, text);
	assert_false(knows(&memo, text));
	headermemo_fini(&memo);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_known_text_gives_what_was_read),
		cmocka_unit_test(another_text_is_not_known),
		cmocka_unit_test(its_room_is_bounded),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
