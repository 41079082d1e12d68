#include "authz/headers.h"

#include "model/headers.h"

#include <string.h>

static bool join(struct arena *scratch, struct authz_header *h)
{
	size_t n = h->n_fields - 1;
	for (size_t i = 0; i < h->n_fields; i++)
		n += h->fields[i].n;
	char *all = arena_alloc(scratch, n);
	h->joined = (struct sv){all, n};
	for (size_t i = 0; all && i < h->n_fields; i++) {
		if (i > 0)
			*all++ = ',';
		if (h->fields[i].n > 0)
			memcpy(all, h->fields[i].at, h->fields[i].n);
		all += h->fields[i].n;
	}
	return all;
}

static bool collect(struct headers_walk w, struct sv name, struct arena *scratch,
                    struct authz_header *ret)
{
	struct sv *fields = arena_array(scratch, ret->n_fields, sizeof(*fields));
	size_t n = 0;
	if (!fields)
		return false;
	while (n < ret->n_fields && headers_next(&w))
		if (sv_eq_ci(w.name, name))
			fields[n++] = w.value;
	ret->fields = fields;
	return join(scratch, ret);
}

bool authz_headers_find(struct sv headers, struct sv name, struct arena *scratch,
                        struct authz_header *ret)
{
	const struct headers_walk start = headers_over(headers);
	struct headers_walk w = start;

	*ret = (struct authz_header){0};
	while (headers_next(&w)) {
		if (!sv_eq_ci(w.name, name))
			continue;
		ret->joined = w.value.at ? w.value : SVL("");
		ret->n_fields++;
	}
	if (!w.ended)
		return false;
	if (ret->n_fields > 1)
		return collect(start, name, scratch, ret);
	ret->n_fields = 0;
	return true;
}
