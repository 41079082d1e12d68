#include "core/encode.h"
#include "core/hash.h"
#include "support/cmocka_prelude.h"

#include <endian.h>
#include <openssl/core_names.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <string.h>

static void base64url_has_one_spelling(void **state)
{
	(void)state;
	static const struct sv bad[] = {
		SV("A"),  SV("AA=="), SV("AB"),  SV("AAB"),   SV("A+"),
		SV("A/"), SV("AA\n"), SV(" AA"), SV("AAAAA"), SV("AA.A"),
	};
	uint8_t room[64];
	size_t n;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(base64url_decode(bad[i], room, &n));
	assert_true(base64url_decode(SVL("-_8"), room, &n));
	assert_int_equal(n, 2);
	assert_memory_equal(room, "\xfb\xff", 2);
	assert_true(base64url_decode(SVL(""), room, &n) && n == 0);
}

/* source: RFC 4648 10 */
static void base64_follows_the_rfc_vectors(void **state)
{
	(void)state;
	static const struct {
		struct sv plain, text;
	} cases[] = {
		{SV(""), SV("")},
		{SV("f"), SV("Zg==")},
		{SV("fo"), SV("Zm8=")},
		{SV("foo"), SV("Zm9v")},
		{SV("foob"), SV("Zm9vYg==")},
		{SV("fooba"), SV("Zm9vYmE=")},
		{SV("foobar"), SV("Zm9vYmFy")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char text[16];
		uint8_t bytes[16];
		size_t n;
		assert_true(sv_eq(base64_encode(cases[i].plain, text), cases[i].text));
		assert_true(base64_decode(cases[i].text, bytes, &n));
		assert_true(sv_eq((struct sv){(char *)bytes, n}, cases[i].plain));
	}
	uint8_t bytes[16];
	size_t n;
	assert_false(base64_decode(SVL("Zg="), bytes, &n));
	assert_false(base64_decode(SVL("Zg"), bytes, &n));
	assert_false(base64_decode(SVL("Zh=="), bytes, &n));
	assert_false(base64_decode(SVL("===="), bytes, &n));
}

static void hex_goes_both_ways(void **state)
{
	(void)state;
	char text[9];
	uint8_t bytes[4];
	assert_true(sv_eq(hex_encode(SVL("\x00\xff\x10z"), text), SVL("00ff107a")));
	assert_true(hex_decode(SVL("00FF107a"), bytes));
	assert_memory_equal(bytes, "\x00\xff\x10z", 4);
	assert_false(hex_decode(SVL("0"), bytes));
	assert_false(hex_decode(SVL("0g"), bytes));
}

static void sha256_matches_the_fips_vector(void **state)
{
	(void)state;
	uint8_t digest[SHA256_BYTES];
	char text[2 * SHA256_BYTES + 1];
	static const struct sv parts[] = {SV("a"), SV(""), SV("bc")};
	struct sha256 *s = sha256_new();
	assert_non_null(s);
	assert_true(sha256_parts(s, parts, ARRAY_LEN(parts), digest));
	sha256_free(s);
	(void)hex_encode((struct sv){(char *)digest, sizeof(digest)}, text);
	assert_string_equal(text,
	                    "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

/* The same by OpenSSL, which takes the numbers of rounds as parameters. */
static void openssl_sip13(struct hash_key key, struct sv bytes, unsigned n_out, uint64_t ret[2])
{
	unsigned rounds = 1, final_rounds = 3;
	size_t size = n_out, n = 0;
	EVP_MAC *mac = EVP_MAC_fetch(NULL, "SIPHASH", NULL);
	EVP_MAC_CTX *ctx = EVP_MAC_CTX_new(mac);
	const OSSL_PARAM params[] = {OSSL_PARAM_construct_uint("c-rounds", &rounds),
	                             OSSL_PARAM_construct_uint("d-rounds", &final_rounds),
	                             OSSL_PARAM_construct_size_t("size", &size),
	                             OSSL_PARAM_construct_end()};
	const uint64_t octets[2] = {htole64(key.k0), htole64(key.k1)};
	unsigned char out[16] = {0};
	assert_non_null(ctx);
	assert_int_equal(EVP_MAC_init(ctx, (const unsigned char *)octets, sizeof(octets), params),
	                 1);
	assert_int_equal(EVP_MAC_update(ctx, (const unsigned char *)bytes.at, bytes.n), 1);
	assert_int_equal(EVP_MAC_final(ctx, out, &n, sizeof(out)), 1);
	assert_int_equal(n, n_out);
	memcpy(ret, out, sizeof(out));
	ret[0] = le64toh(ret[0]);
	ret[1] = le64toh(ret[1]);
	EVP_MAC_CTX_free(ctx);
	EVP_MAC_free(mac);
}

static void siphash_agrees_with_openssl(void **state)
{
	(void)state;
	const struct hash_key key = {0x0706050403020100U, 0x0f0e0d0c0b0a0908U};
	char text[40];
	uint64_t expected[2];
	for (size_t n = 0; n < sizeof(text); n++) {
		struct sv bytes = {text, n};
		text[n] = (char)(0xf0 + n);
		openssl_sip13(key, bytes, 8, expected);
		assert_true(hash_sip13(key, bytes) == expected[0]);
		openssl_sip13(key, bytes, 16, expected);
		struct hash_wide wide = hash_sip13_wide(key, bytes);
		assert_true(wide.first == expected[0] && wide.second == expected[1]);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(base64url_has_one_spelling),
		cmocka_unit_test(base64_follows_the_rfc_vectors),
		cmocka_unit_test(hex_goes_both_ways),
		cmocka_unit_test(sha256_matches_the_fips_vector),
		cmocka_unit_test(siphash_agrees_with_openssl),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
