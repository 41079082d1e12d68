/* DPoP proofs: the RFC's own, and those that are not to be believed, each for its reason. */
#include "authn/proof.h"
#include "authn/proofkeys.h"
#include "authn/thumbprint.h"
#include "core/jsonload.h"
#include "minter.h"

/* RFC 9449 7.1; the key's thumbprint is from 6.1 */
static const char rfc_proof[] =
	"eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0Vj"
	"NoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5"
	"VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUI"
	"iwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI"
	"2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqz"
	"hrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA";
static const char rfc_key[] = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I";
static const char rfc_token[] = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU";
enum { RFC_AT = 1562262618 };

/* A client with a key, and what a proof is judged by. */
struct desk {
	struct minter minter;
	char *jwk; /* owned */
	uint8_t thumbprint[SHA256_BYTES];
	struct sha256 *sha256;
	struct proofkeys *keys;
	struct htu uri;
	struct proof_wanted wanted;
};

enum { NOW = 1000000 };
static const char token[] = "the.token";
#define ATH "2akKdq31ssOkZ_lUps-5UCnpmminHUPPUJfZ_xxF3Pc"

static void thumbprint(struct desk *desk, const char *jwk, uint8_t digest[SHA256_BYTES])
{
	json_t *parsed = json_load_strict(sv_of(jwk), 0, NULL);
	assert_true(thumbprint_of(desk->sha256, parsed, digest));
	json_decref(parsed);
}

static int set_up(void **state)
{
	static struct desk desk;
	desk = (struct desk){
		.minter = minter_make(JWS_ES256), .sha256 = sha256_new(), .keys = proofkeys_new()};
	assert_true(desk.sha256 && desk.keys);
	char *members = minter_members(&desk.minter);
	assert_true(asprintf(&desk.jwk, "{%s}", members) > 0);
	free(members);
	thumbprint(&desk, desk.jwk, desk.thumbprint);
	assert_true(htu_read(SVL("https://a.example/b"), &desk.uri));
	desk.wanted = (struct proof_wanted){.key = desk.thumbprint,
	                                    .method = SV("GET"),
	                                    .token = sv_of(token),
	                                    .uris = &desk.uri,
	                                    .n_uris = 1,
	                                    .oldest_s = NOW - 60,
	                                    .newest_s = NOW + 5};
	*state = &desk;
	return 0;
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	minter_fini(&desk->minter);
	free(desk->jwk);
	sha256_free(desk->sha256);
	proofkeys_free(desk->keys);
	return 0;
}

/* The reason a proof is refused with, or REASON_INTERNAL when it is good. */
static enum reason judge(struct desk *desk, const char *text)
{
	enum reason why = REASON_INTERNAL;
	struct proof proof;
	bool good = proof_read(sv_of(text), &desk->wanted, desk->sha256, desk->keys, &proof, &why);
	assert_true(good == (why == REASON_INTERNAL));
	if (good)
		proof_fini(&proof);
	return why;
}

/* A $ in header or payload is the client's key. Owned. */
static char *mint(const struct desk *desk, const struct minter *by, const char *header,
                  const char *payload)
{
	char *made = NULL;
	const char *mark = strchr(header, '$');
	assert_true(asprintf(&made, "%.*s%s%s", mark ? (int)(mark - header) : (int)strlen(header),
	                     header, mark ? desk->jwk : "", mark ? mark + 1 : "") > 0);
	char *proof = minter_token(by, sv_of(made), sv_of(payload));
	free(made);
	return proof;
}

#define HEADER  "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":$}"
#define CLAIMS  "\"jti\":\"1\",\"htm\":\"GET\",\"htu\":\"https://a.example/b\",\"ath\":\"" ATH "\""
#define PAYLOAD "{" CLAIMS ",\"iat\":1000000}"

static void the_proof_of_the_rfc_is_good(void **state)
{
	struct desk *desk = *state;
	uint8_t key[BASE64_DECODED_MAX(sizeof(rfc_key))];
	size_t n = 0;
	struct proof proof;
	enum reason why;
	struct htu uri;
	assert_true(base64url_decode(sv_of(rfc_key), key, &n) && n == SHA256_BYTES);
	assert_true(htu_read(SVL("https://resource.example.org/protectedresource"), &uri));
	desk->wanted.key = key;
	desk->wanted.token = sv_of(rfc_token);
	desk->wanted.uris = &uri;
	desk->wanted.oldest_s = desk->wanted.newest_s = RFC_AT;
	for (int i = 0; i < 2; i++) { /* fresh, then with the key at hand */
		assert_true(proof_read(sv_of(rfc_proof), &desk->wanted, desk->sha256, desk->keys,
		                       &proof, &why));
		assert_true(sv_eq(proof.jti, SVL("e1j3V_bKic8-LAEB")));
		assert_true(proof.nonce.n == 0 && proof.issued_s == RFC_AT);
		proof_fini(&proof);
	}
	char *other = strdup(rfc_proof);
	other[strlen(other) - 2] ^= 1;
	assert_int_equal(judge(desk, other), REASON_DPOP_SIGNATURE_INVALID);
	free(other);
}

/* RFC 7638 3.1, RFC 8037 A.3 */
static void thumbprints_of_the_rfcs(void **state)
{
	static const struct {
		const char *jwk, *name;
	} rows[] = {
		{"{\"kty\":\"RSA\",\"n\":\"0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbf"
	         "AAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9"
	         "yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
	         "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHa"
	         "Q-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw\",\"e\":\"AQAB\",\"alg\":"
	         "\"RS256\","
	         "\"kid\":\"2011-04-29\"}",
	         "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"},
		{"{\"kty\":\"OKP\",\"crv\":\"Ed25519\",\"x\":"
	         "\"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo\"}",
	         "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k"},
	};
	struct desk *desk = *state;
	uint8_t digest[SHA256_BYTES];
	char text[BASE64_ENCODED_MAX(SHA256_BYTES)];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		thumbprint(desk, rows[i].jwk, digest);
		(void)base64url_encode((struct sv){(char *)digest, sizeof(digest)}, text);
		assert_string_equal(text, rows[i].name);
	}
}

static void what_has_no_thumbprint(void **state)
{
	static const char *const rows[] = {
		"{}",
		"[]",
		"{\"kty\":\"oct\",\"k\":\"AAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":1}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AAAA\",\"y\":\"\"}",
		"{\"kty\":\"EC\",\"crv\":\"P-256\",\"x\":\"AA\\\"AA\",\"y\":\"AAAA\"}",
		"{\"kty\":\"OKP\",\"crv\":\"\",\"x\":\"AAAA\"}",
	};
	struct desk *desk = *state;
	uint8_t digest[SHA256_BYTES];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		json_t *jwk = json_load_strict(sv_of(rows[i]), 0, NULL);
		assert_non_null(jwk);
		assert_false(thumbprint_of(desk->sha256, jwk, digest));
		json_decref(jwk);
	}
}

static void a_header_that_is_not_a_proofs(void **state)
{
	static const struct {
		const char *header;
		enum reason why;
	} rows[] = {
		{HEADER, REASON_INTERNAL},
		{"{\"typ\":\"application/dpop+jwt\",\"alg\":\"ES256\",\"jwk\":$}", REASON_INTERNAL},
		{"{\"typ\":\"DPOP+JWT\",\"alg\":\"ES256\",\"jwk\":$}", REASON_INTERNAL},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"kid\":\"x\",\"jwk\":$}",
	         REASON_INTERNAL},
		{"{\"typ\":\"JWT\",\"alg\":\"ES256\",\"jwk\":$}", REASON_DPOP_MALFORMED},
		{"{\"alg\":\"ES256\",\"jwk\":$}", REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"jwk\":$}", REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"none\",\"jwk\":$}", REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"HS256\",\"jwk\":$}", REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\"}", REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":[$]}", REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":\"k\"}", REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"oct\",\"k\":\"AAAA\"}"
	         "}",
	         REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"crit\":[\"x\"],\"jwk\":$}",
	         REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"b64\":false,\"jwk\":$}",
	         REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"alg\":\"ES256\",\"jwk\":$}",
	         REASON_DPOP_MALFORMED},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{\"kty\":\"EC\",\"crv\":\"P-"
	         "256\","
	         "\"x\":\"l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs\",\"y\":"
	         "\"9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA\"}}",
	         REASON_TOKEN_BINDING_MISMATCH},
		/* the key's algorithm, not the header's */
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"ES384\",\"jwk\":$}",
	         REASON_DPOP_SIGNATURE_INVALID},
		{"{\"typ\":\"dpop+jwt\",\"alg\":\"RS256\",\"jwk\":$}",
	         REASON_DPOP_SIGNATURE_INVALID},
	};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = mint(desk, &desk->minter, rows[i].header, PAYLOAD);
		for (int k = 0; k < 2; k++) {
			enum reason why = judge(desk, text);
			if (why != rows[i].why)
				print_message("%s: %s\n", rows[i].header, reason_name(why));
			assert_int_equal(why, rows[i].why);
		}
		free(text);
	}
}

/* Whoever sends a private key along has given it away. */
static void a_private_key_is_refused(void **state)
{
	static const char *const members[] = {"d", "p", "q", "dp", "dq", "qi", "oth", "k"};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(members); i++) {
		char *header = NULL, *own = minter_members(&desk->minter);
		assert_true(asprintf(&header,
		                     "{\"typ\":\"dpop+jwt\",\"alg\":\"ES256\",\"jwk\":{%s,\"%s\":"
		                     "\"AAAA\"}}",
		                     own, members[i]) > 0);
		char *text = mint(desk, &desk->minter, header, PAYLOAD);
		assert_int_equal(judge(desk, text), REASON_DPOP_MALFORMED);
		free(text);
		free(header);
		free(own);
	}
}

static void claims_that_are_for_something_else(void **state)
{
#define BUT(htm, htu, ath, iat) \
	"{\"jti\":\"1\",\"htm\":" htm ",\"htu\":" htu ",\"ath\":" ath ",\"iat\":" iat "}"
#define URI  "\"https://a.example/b\""
#define QATH "\"" ATH "\""
	static const struct {
		const char *payload;
		enum reason why;
	} rows[] = {
		{PAYLOAD, REASON_INTERNAL},
		{"{" CLAIMS ",\"iat\":1000000.5,\"more\":{}}", REASON_INTERNAL},
		{BUT("\"GET\"", "\"HTTPS://A.example:443/b?q\"", QATH, "1000000"), REASON_INTERNAL},
		{BUT("\"POST\"", URI, QATH, "1000000"), REASON_DPOP_MISMATCH},
		{BUT("\"get\"", URI, QATH, "1000000"), REASON_DPOP_MISMATCH},
		{BUT("\"GET\"", "\"https://a.example/c\"", QATH, "1000000"), REASON_DPOP_MISMATCH},
		{BUT("\"GET\"", "\"http://a.example/b\"", QATH, "1000000"), REASON_DPOP_MISMATCH},
		{BUT("\"GET\"", "\"https://evil.example/b\"", QATH, "1000000"),
	         REASON_DPOP_MISMATCH},
		{BUT("\"GET\"", "\"/b\"", QATH, "1000000"), REASON_DPOP_MISMATCH},
		{BUT("\"GET\"", URI, "\"47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU\"", "1000000"),
	         REASON_DPOP_MISMATCH},
		{BUT("\"GET\"", URI, QATH, "999939"), REASON_DPOP_EXPIRED},
		{BUT("\"GET\"", URI, QATH, "999940"), REASON_INTERNAL},
		{BUT("\"GET\"", URI, QATH, "1000005"), REASON_INTERNAL},
		{BUT("\"GET\"", URI, QATH, "1000006"), REASON_DPOP_EXPIRED},
		{BUT("\"GET\"", URI, QATH, "0"), REASON_DPOP_EXPIRED},
		{BUT("\"GET\"", URI, QATH, "-1"), REASON_DPOP_MALFORMED},
		{BUT("\"GET\"", URI, QATH, "1e300"), REASON_DPOP_MALFORMED},
		{BUT("\"GET\"", URI, QATH, "\"1000000\""), REASON_DPOP_MALFORMED},
		{BUT("\"GET\"", URI, "1", "1000000"), REASON_DPOP_MALFORMED},
		{BUT("[\"GET\"]", URI, QATH, "1000000"), REASON_DPOP_MALFORMED},
		{BUT("\"GET\"", "null", QATH, "1000000"), REASON_DPOP_MALFORMED},
		{"{" CLAIMS "}", REASON_DPOP_MALFORMED},
		{"{\"htm\":\"GET\",\"htu\":" URI ",\"ath\":" QATH ",\"iat\":1000000}",
	         REASON_DPOP_MALFORMED},
		{"{\"jti\":\"\",\"htm\":\"GET\",\"htu\":" URI ",\"ath\":" QATH ",\"iat\":1000000}",
	         REASON_DPOP_MALFORMED},
		{"{\"jti\":7,\"htm\":\"GET\",\"htu\":" URI ",\"ath\":" QATH ",\"iat\":1000000}",
	         REASON_DPOP_MALFORMED},
		{"{\"jti\":\"1\",\"htm\":\"GET\",\"htu\":" URI ",\"iat\":1000000}",
	         REASON_DPOP_MALFORMED},
		{"{" CLAIMS ",\"iat\":1000000,\"nonce\":\"\"}", REASON_DPOP_MALFORMED},
		{"{" CLAIMS ",\"iat\":1000000,\"nonce\":1}", REASON_DPOP_MALFORMED},
		{"{" CLAIMS ",\"iat\":1000000,\"jti\":\"2\"}", REASON_DPOP_MALFORMED},
		{"[]", REASON_DPOP_MALFORMED},
		{"", REASON_DPOP_MALFORMED},
	};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = mint(desk, &desk->minter, HEADER, rows[i].payload);
		enum reason why = judge(desk, text);
		if (why != rows[i].why)
			print_message("%s: %s\n", rows[i].payload, reason_name(why));
		assert_int_equal(why, rows[i].why);
		free(text);
	}
}

static void a_proof_by_another_key_is_none(void **state)
{
	struct desk *desk = *state;
	struct minter thief = minter_make(JWS_ES256);
	char *text = mint(desk, &thief, HEADER, PAYLOAD);
	assert_int_equal(judge(desk, text), REASON_DPOP_SIGNATURE_INVALID);
	free(text);
	text = mint(desk, &desk->minter, HEADER, PAYLOAD);
	assert_int_equal(judge(desk, text), REASON_INTERNAL);
	free(text);
	text = mint(desk, &thief, HEADER, PAYLOAD); /* also with the key at hand */
	assert_int_equal(judge(desk, text), REASON_DPOP_SIGNATURE_INVALID);
	free(text);
	minter_fini(&thief);
}

static void a_known_key_is_not_another_tokens(void **state)
{
	struct desk *desk = *state;
	uint8_t other[SHA256_BYTES] = {1};
	char *text = mint(desk, &desk->minter, HEADER, PAYLOAD);
	assert_int_equal(judge(desk, text), REASON_INTERNAL);
	desk->wanted.key = other;
	assert_int_equal(judge(desk, text), REASON_TOKEN_BINDING_MISMATCH);
	free(text);
}

static void keys_of_every_kind(void **state)
{
	static const enum jws_alg algs[] = {JWS_RS256, JWS_PS512, JWS_ES384, JWS_ES512, JWS_EDDSA};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(algs); i++) {
		struct minter client = minter_make(algs[i]);
		char *members = minter_members(&client), *header = NULL, *jwk = NULL;
		assert_true(asprintf(&jwk, "{%s}", members) > 0);
		assert_true(asprintf(&header, "{\"typ\":\"dpop+jwt\",\"alg\":\"%s\",\"jwk\":%s}",
		                     jws_alg_info(algs[i])->name, jwk) > 0);
		thumbprint(desk, jwk, desk->thumbprint);
		char *text = mint(desk, &client, header, PAYLOAD);
		assert_int_equal(judge(desk, text), REASON_INTERNAL);
		free(text);
		free(header);
		free(jwk);
		free(members);
		minter_fini(&client);
	}
}

static void text_that_is_no_proof(void **state)
{
	static const char *const rows[] = {
		"", ".", "..", "a.b.c", "a.b", "a.b.c.d", "\xff.\xff.\xff"};
	struct desk *desk = *state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		assert_int_equal(judge(desk, rows[i]), REASON_DPOP_MALFORMED);
	char *text = malloc(PROOF_MAX_BYTES + 2);
	memset(text, 'A', PROOF_MAX_BYTES + 1);
	text[PROOF_MAX_BYTES + 1] = '\0';
	text[100] = text[200] = '.';
	assert_int_equal(judge(desk, text), REASON_DPOP_MALFORMED);
	free(text);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(the_proof_of_the_rfc_is_good),
		TEST(thumbprints_of_the_rfcs),
		TEST(what_has_no_thumbprint),
		TEST(a_header_that_is_not_a_proofs),
		TEST(a_private_key_is_refused),
		TEST(claims_that_are_for_something_else),
		TEST(a_proof_by_another_key_is_none),
		TEST(a_known_key_is_not_another_tokens),
		TEST(keys_of_every_kind),
		TEST(text_that_is_no_proof),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
