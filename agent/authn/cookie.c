#include "authn/cookie.h"

#include "model/request.h"

/* returns whether the pair is of this name */
static bool read_pair(struct sv pair, struct sv name, struct sv *ret)
{
	size_t n = sv_find(pair, '=');
	if (n == pair.n || !sv_eq(sv_trim(sv_first(pair, n)), name))
		return false;
	*ret = sv_trim(sv_from(pair, n + 1));
	return true;
}

enum found cookie_find(struct sv header, struct sv name, struct sv *ret)
{
	struct sv pair, value, first = {0};
	unsigned n = 0;
	while (header.n && sv_cut(&header, ';', &pair)) {
		if (!read_pair(pair, name, &value))
			continue;
		if (n++ > 0)
			return FOUND_TWICE;
		first = value;
	}
	if (n == 0)
		return FOUND_NONE;
	*ret = first;
	return FOUND_ONE;
}

enum found cookie_of(const struct request *req, struct sv name, struct sv *ret)
{
	return req->n_cookie > 1 ? FOUND_TWICE : cookie_find(req->cookie, name, ret);
}
