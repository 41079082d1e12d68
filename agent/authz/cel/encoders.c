/* source: cel-spec doc/extensions/encoders.md */
#include "authz/cel/function.h"
#include "core/encode.h"

#define FUNCTION(name) \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n)

FUNCTION(encode)
{
	(void)n;
	if (!cel_charge(call, a[0].n / 8))
		return cel_over();
	char *room = arena_alloc(call->arena, BASE64_ENCODED_MAX(a[0].n) + 1UL);
	return room ? cel_string(base64_encode(cel_text(a[0]), room)) : cel_out_of_memory(call);
}

/* The padding may be left out. */
FUNCTION(decode)
{
	(void)n;
	struct sv text = cel_text(a[0]);
	size_t n_padding = (4 - text.n % 4) % 4, length = 0;
	if (!cel_charge(call, text.n / 8))
		return cel_over();
	char *padded = arena_alloc(call->arena, text.n + 4);
	uint8_t *room = arena_alloc(call->arena, BASE64_DECODED_MAX(text.n + 4) + 1);
	if (!padded || !room)
		return cel_out_of_memory(call);
	if (text.n)
		memcpy(padded, text.at, text.n);
	memset(padded + text.n, '=', n_padding);
	if (n_padding > 2 || !base64_decode((struct sv){padded, text.n + n_padding}, room, &length))
		return cel_error("this text is not base64");
	return cel_bytes((struct sv){(const char *)room, length});
}

static const struct cel_function rows[] = {
	{"base64.encode", CEL_GLOBAL, "bytes", "string", encode, "the octets in base64", 0, NULL},
	{"base64.decode", CEL_GLOBAL, "string", "bytes", decode, "the octets of a text in base64",
         0, NULL},
};

const struct cel_functions cel_functions_encoders = {"Encoders", rows, ARRAY_LEN(rows)};
