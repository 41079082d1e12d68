#include "authn/param.h"

#include "core/encode.h"

/* The next byte of an encoded text and the text behind it. returns false when it is no sound escape */
static bool next_byte(struct sv *text, char *ret)
{
	uint8_t byte;
	char c = text->at[0];
	if (c != '%') {
		*ret = c == '+' ? ' ' : c;
		*text = sv_from(*text, 1);
		return true;
	}
	if (text->n < 3 || !hex_decode((struct sv){text->at + 1, 2}, &byte))
		return false;
	*ret = (char)byte;
	*text = sv_from(*text, 3);
	return true;
}

static bool means(struct sv encoded, struct sv name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c;
		if (encoded.n == 0 || !next_byte(&encoded, &c) || c != name.at[i])
			return false;
	}
	return encoded.n == 0;
}

static bool decode(struct sv encoded, struct arena *arena, struct sv *ret)
{
	if (sv_find(encoded, '%') == encoded.n && sv_find(encoded, '+') == encoded.n) {
		*ret = encoded;
		return true;
	}
	char *room = arena_alloc(arena, encoded.n);
	size_t n = 0;
	while (room && encoded.n)
		if (!next_byte(&encoded, &room[n++]))
			return false;
	*ret = (struct sv){room, n};
	return room;
}

enum found param_find(struct sv query, struct sv name, struct arena *arena, struct sv *ret)
{
	struct sv pair, value = {0};
	unsigned n = 0;
	while (query.n && sv_cut(&query, '&', &pair)) {
		size_t n_name = sv_find(pair, '=');
		if (!means(sv_first(pair, n_name), name))
			continue;
		if (n++ > 0)
			return FOUND_TWICE;
		if (!decode(sv_from(pair, n_name + 1), arena, &value))
			return FOUND_BROKEN;
	}
	if (n == 0)
		return FOUND_NONE;
	*ret = value;
	return FOUND_ONE;
}
