/* Any bytes as each of the headers a proxy forwards a certificate in: refused, or DER and names within the input's
 * size. The first byte says which header. */
#include "authn/certheader.h"
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
	static bool (*const readers[])(struct sv, struct arena *, struct certheader *) = {
		certheader_client_cert, certheader_client_cert_chain, certheader_xfcc};
	struct arena arena;
	struct certheader said = {0};
	if (size == 0)
		return 0;
	const struct sv value = {(const char *)data + 1, size - 1};
	HOLDS(arena_init(&arena, REQUEST_ARENA_BYTES) == 0);
	unsigned which = data[0] % ARRAY_LEN(readers);
	if (readers[which](value, &arena, &said)) {
		HOLDS(said.leaf.n <= size && said.chain.n <= size && said.uri.n <= size);
		HOLDS(which == 2 || said.leaf.n + said.chain.n > 0);
		HOLDS((said.n_uris > 0) == (said.uri.n > 0));
	}
	arena_fini(&arena);
	return 0;
}
