#include "authn/certheader.h"

#include "core/encode.h"

/* RFC 8941 3.3.5: base64 between colons. Only the canonical spelling is taken. */
static bool byte_sequence(struct sv text, uint8_t *room, size_t *ret_n)
{
	if (text.n < 2 || text.at[0] != ':' || text.at[text.n - 1] != ':')
		return false;
	return base64_decode((struct sv){text.at + 1, text.n - 2}, room, ret_n) && *ret_n > 0;
}

bool certheader_client_cert(struct sv value, struct arena *arena, struct certheader *ret)
{
	uint8_t *room = arena_alloc(arena, BASE64_DECODED_MAX(value.n));
	size_t n;
	if (!room || !byte_sequence(sv_trim(value), room, &n))
		return false;
	ret->leaf = (struct sv){(const char *)room, n};
	return true;
}

bool certheader_client_cert_chain(struct sv value, struct arena *arena, struct certheader *ret)
{
	uint8_t *room = arena_alloc(arena, BASE64_DECODED_MAX(value.n));
	struct sv part;
	size_t all = 0;
	if (!room)
		return false;
	while (sv_cut(&value, ',', &part)) {
		size_t n;
		if (!byte_sequence(sv_trim(part), room + all, &n))
			return false;
		all += n;
	}
	ret->chain = (struct sv){(const char *)room, all};
	return true;
}
