/* Any bytes as a bundle: refused with a cause, or anchors that are authorities, of whom no leaf is one. */
#include "authn/trustbundle.h"

#include <openssl/x509v3.h>
#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sv text = {(const char *)data, size};
	struct diag d = diag_over(NULL, text);
	struct trustbundle *bundle = NULL;
	int r = trustbundle_parse(text, &d, &bundle);
	HOLDS(r == 0 ? bundle != NULL : bundle == NULL && d.n > 0);
	int n = bundle ? sk_X509_num(bundle->anchors) : 0;
	HOLDS(n <= TRUSTBUNDLE_MAX_ANCHORS);
	for (int i = 0; i < n; i++) {
		X509 *anchor = sk_X509_value(bundle->anchors, i);
		int64_t until_s;
		HOLDS(X509_check_ca(anchor) == 1);
		HOLDS(!trustbundle_verify(bundle, anchor, NULL, 1790000000, &until_s) || n > 1);
	}
	trustbundle_unref(bundle);
	diag_fini(&d);
	return 0;
}
