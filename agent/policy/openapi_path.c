#include "policy/openapi_part.h"

#include <stdlib.h>
#include <string.h>

/* ---- a path as a pattern ---- */

static bool is_word(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	       c == '_';
}

/* A capture's name has letters, digits and '_'. Two that become the same are refused with the policy set. */
static void put_name(struct strbuf *to, struct sv name)
{
	strbuf_char(to, '{');
	if (name.at && name.at[0] >= '0' && name.at[0] <= '9')
		strbuf_char(to, '_');
	for (size_t i = 0; i < name.n; i++)
		strbuf_char(to, is_word(name.at[i]) ? name.at[i] : '_');
	strbuf_char(to, '}');
}

static bool is_name(struct sv segment)
{
	return segment.n > 2 && segment.at[0] == '{' && segment.at[segment.n - 1] == '}' &&
	       sv_find(sv_from(segment, 1), '{') == segment.n - 1;
}

static bool has(struct sv text, const char *any)
{
	for (; *any; any++)
		if (sv_find(text, *any) < text.n)
			return true;
	return false;
}

static bool put_segment(struct openapi *o, struct sv segment, const struct openapi_place *at,
                        struct strbuf *to)
{
	strbuf_char(to, '/');
	if (is_name(segment)) {
		put_name(to, sv_first(sv_from(segment, 1), segment.n - 2));
		return true;
	}
	if (has(segment, "{}")) {
		openapi_refuse(
			o, at,
			"'%.*s': a segment of a path is either text or one {name}; write the "
			"policy by hand",
			SV_ARG(segment));
		return false;
	}
	if (has(segment, "*?#")) {
		openapi_refuse(o, at, "'%.*s': no path of a request has '*', '?' or '#' as text",
		               SV_ARG(segment));
		return false;
	}
	strbuf_add(to, segment);
	return true;
}

bool openapi_template(struct openapi *o, const char *path, const struct openapi_place *at,
                      struct strbuf *to)
{
	struct sv rest = sv_of(path), segment;
	if (path[0] != '/') {
		openapi_refuse(o, at, "a path begins with '/'");
		return false;
	}
	(void)sv_cut(&rest, '/', &segment);
	while (sv_cut(&rest, '/', &segment))
		if (!put_segment(o, segment, at, to))
			return false;
	return true;
}

/* ---- two paths ---- */

enum openapi_overlap openapi_compare(const char *first, const char *second)
{
	struct sv a = sv_of(first), b = sv_of(second), x, y;
	bool more_exact = false, less_exact = false;
	for (;;) {
		bool has_x = sv_cut(&a, '/', &x), has_y = sv_cut(&b, '/', &y);
		if (has_x != has_y)
			return OPENAPI_APART;
		if (!has_x)
			break;
		bool any_x = is_name(x), any_y = is_name(y);
		if (!any_x && !any_y && !sv_eq(x, y))
			return OPENAPI_APART;
		if ((any_x && y.n == 0) || (any_y && x.n == 0)) /* a name is never empty */
			return OPENAPI_APART;
		more_exact = more_exact || (any_y && !any_x);
		less_exact = less_exact || (any_x && !any_y);
	}
	if (more_exact && less_exact)
		return OPENAPI_ACROSS;
	return more_exact ? OPENAPI_WITHIN : less_exact ? OPENAPI_AROUND : OPENAPI_SAME;
}
