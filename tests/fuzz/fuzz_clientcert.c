/* Any bytes as a certificate: refused with a reason, without a name, or with a SPIFFE ID that is one. */
#include "authn/clientcert.h"
#include "authn/spiffe.h"
#include "core/limits.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena;
	struct sv id = {0};
	enum reason why = REASON_INTERNAL;
	HOLDS(arena_init(&arena, REQUEST_ARENA_BYTES) == 0);
	switch (clientcert_spiffe_id((struct sv){(const char *)data, size}, 1790000000, &arena, &id,
	                             &why)) {
	case CLIENTCERT_WORKLOAD:
		HOLDS(spiffe_id_check(id));
		break;
	case CLIENTCERT_REFUSED:
		HOLDS(why >= REASON_CERTIFICATE_INVALID && why <= REASON_SPIFFE_ID_INVALID);
		break;
	case CLIENTCERT_NONE:
		break;
	}
	HOLDS(!spiffe_id_check((struct sv){(const char *)data, size}) ||
	      (size > 9 && size <= SPIFFE_ID_MAX_BYTES && data[size - 1] != '/'));
	arena_fini(&arena);
	return 0;
}
