/* The digest is the certificate's own, seen or not, whatever else was seen. */
#include "authn/certdigests.h"
#include "support/cmocka_prelude.h"

#include <stdlib.h>

/* Lengths around a row's, contents that differ in one byte, and more of them than there are rows. */
static void it_is_always_the_same_as_hashing(void **state)
{
	static const size_t lengths[] = {
		0, 1, 7, 8, 9, 800, CERTDIGESTS_DER_MAX_BYTES, CERTDIGESTS_DER_MAX_BYTES + 1};
	struct certdigests *digests = certdigests_new();
	struct sha256 *sha256 = sha256_new();
	char *der = calloc(1, CERTDIGESTS_DER_MAX_BYTES + 1);
	(void)state;
	assert_true(digests && sha256 && der);
	for (unsigned i = 0; i < 8 * CERTDIGESTS_ROWS; i++) {
		struct sv text = {der, lengths[i % ARRAY_LEN(lengths)]};
		uint8_t told[SHA256_BYTES], wanted[SHA256_BYTES];
		if (text.n > 0)
			der[i * 7919U % text.n] = (char)i;
		assert_true(sha256_parts(sha256, &text, 1, wanted));
		for (int k = 0; k < 2; k++) {
			assert_true(certdigests_of(digests, sha256, text, told));
			assert_memory_equal(told, wanted, SHA256_BYTES);
		}
	}
	free(der);
	sha256_free(sha256);
	certdigests_free(digests);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_always_the_same_as_hashing),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
