/* A Basic credential is refused, or is the one spelling of a name and a password that are text. */
#include "authn/basicauth.h"
#include "core/encode.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_text(struct sv text)
{
	HOLDS(text.n > 0);
	for (size_t i = 0; i < text.n; i++)
		HOLDS((unsigned char)text.at[i] >= 0x20 && text.at[i] != 0x7f);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	struct sv text = {(const char *)data, size}, name, password, decoded;
	if (!arena.max && arena_init(&arena, 64 * 1024) != 0)
		return 0;
	if (basicauth_split(text, &arena, &name, &password, &decoded)) {
		char again[BASE64_ENCODED_MAX(2048)];
		check_text(name);
		check_text(password);
		HOLDS(sv_find(name, ':') == name.n);
		HOLDS(password.at == name.at + name.n + 1);
		HOLDS(password.at + password.n <= decoded.at + decoded.n);
		struct sv both = {name.at, name.n + 1 + password.n};
		HOLDS(sv_eq(base64_encode(both, again), text));
	}
	arena_reset(&arena);
	return 0;
}
