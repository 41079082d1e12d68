/* Any bytes as a certificate or a chain: refused with a reason, without a name, or with a SPIFFE ID that is one. */
#include "authn/spiffe.h"
#include "authn/svid.h"
#include "core/limits.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void judge(X509 *cert)
{
	struct arena arena;
	struct sv id = {0};
	enum reason why = REASON_INTERNAL;
	HOLDS(arena_init(&arena, REQUEST_ARENA_BYTES) == 0);
	switch (svid_leaf_check(cert, 1790000000, &arena, &id, &why)) {
	case SVID_LEAF:
		HOLDS(spiffe_id_check(id) && spiffe_domain_check(spiffe_domain_of(id)));
		HOLDS(!svid_may_sign(cert));
		break;
	case SVID_REFUSED:
		HOLDS(why >= REASON_CERTIFICATE_INVALID && why <= REASON_SPIFFE_ID_INVALID);
		break;
	case SVID_NONE:
		break;
	}
	(void)svid_not_after(cert);
	arena_fini(&arena);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const struct sv bytes = {(const char *)data, size};
	X509 *cert = svid_parse(bytes);
	STACK_OF(X509) *chain = NULL;
	if (cert)
		judge(cert);
	bool many = svid_parse_many(bytes, &chain);
	HOLDS(!many || sk_X509_num(chain) <= SVID_CHAIN_MAX);
	HOLDS(!cert || (many && sk_X509_num(chain) == 1));
	HOLDS(!spiffe_id_check(bytes) ||
	      (size > 9 && size <= SPIFFE_ID_MAX_BYTES && data[size - 1] != '/'));
	HOLDS(!spiffe_id_check(bytes) || spiffe_id_is_valid(bytes));
	svid_chain_free(chain);
	X509_free(cert);
	return 0;
}
