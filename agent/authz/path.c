#include "authz/path.h"

#include "authz/pathbytes.h"
#include "core/limits.h"

#include <stdint.h>
#include <string.h>

/* The two forms while they are written. Room for the worst case is reserved beforehand. */
struct forms {
	char *normal;
	char *written;
	size_t n_normal;
	size_t n_written;
	uint8_t lead; /* the byte before, decoded: for overlong UTF-8 */
};

/* ASCII hidden in two, three or four bytes: old servers decode it to '.' or '/'. */
static bool is_overlong(uint8_t lead, uint8_t byte)
{
	switch (lead) {
	case 0xc0:
	case 0xc1:
		return byte >= 0x80 && byte <= 0xbf;
	case 0xe0:
		return byte >= 0x80 && byte <= 0x9f;
	case 0xf0:
		return byte >= 0x80 && byte <= 0x8f;
	default:
		return false;
	}
}

static void put_plain(struct forms *f, uint8_t byte)
{
	bool merges = byte == '/' && f->n_normal > 0 && f->normal[f->n_normal - 1] == '/';

	f->written[f->n_written++] = (char)byte;
	if (!merges)
		f->normal[f->n_normal++] = (char)byte;
}

static const char *take_plain(struct forms *f, uint8_t byte)
{
	switch ((enum path_byte)path_byte_classes[byte]) {
	case BYTE_REFUSED:
		return byte == '\\' ? "backslash in the path"
		                    : "control byte, space or '#' in the path";
	case BYTE_ESCAPE:
		f->n_written += path_put_escape(f->written + f->n_written, byte);
		f->n_normal += path_put_escape(f->normal + f->n_normal, byte);
		return NULL;
	case BYTE_RESERVED:
	case BYTE_UNRESERVED:
		break;
	}
	put_plain(f, byte);
	return NULL;
}

static const char *take_escape(struct forms *f, uint8_t byte)
{
	if (byte == '/' || byte == '\\')
		return "escaped slash or backslash in the path";
	if (byte == 0)
		return "escaped NUL in the path";
	f->n_written += path_put_escape(f->written + f->n_written, byte);
	if (path_byte_classes[byte] == BYTE_UNRESERVED)
		f->normal[f->n_normal++] = (char)byte;
	else
		f->n_normal += path_put_escape(f->normal + f->n_normal, byte);
	return NULL;
}

/* One byte or one escape of raw at i. Returns NULL and moves *i, or says what was wrong. */
static const char *take_next(struct forms *f, struct sv raw, size_t *i)
{
	uint8_t byte = (uint8_t)raw.at[*i];
	const char *why = NULL;

	if (byte == '%') {
		int escaped = path_escape_at(raw, *i);
		if (escaped < 0)
			return "invalid percent escape in the path";
		byte = (uint8_t)escaped;
		why = take_escape(f, byte);
		*i += 3;
	} else {
		why = take_plain(f, byte);
		*i += 1;
	}
	if (!why && is_overlong(f->lead, byte))
		return "overlong UTF-8 in the path";
	f->lead = byte;
	return why;
}

/* ".", "..", and either followed by a path parameter: some servers cut that off first. */
static bool is_dot_segment(struct sv segment)
{
	size_t n_dots = 0;

	while (n_dots < segment.n && segment.at[n_dots] == '.')
		n_dots++;
	if (n_dots == 0 || n_dots > 2)
		return false;
	struct sv rest = {segment.at + n_dots, segment.n - n_dots};
	return rest.n == 0 || rest.at[0] == ';' || sv_starts(rest, SVL("%3B"));
}

static bool has_dot_segment(struct sv path)
{
	size_t start = 0;

	for (size_t i = 0; i <= path.n; i++) {
		if (i < path.n && path.at[i] != '/')
			continue;
		if (is_dot_segment((struct sv){path.at + start, i - start}))
			return true;
		start = i + 1;
	}
	return false;
}

/* The usual path: nothing to escape, to decode, to merge or to refuse. */
static bool is_plain(struct sv path)
{
	char before = 0;

	for (size_t i = 0; i < path.n; i++) {
		uint8_t byte = (uint8_t)path.at[i];
		if (path_byte_classes[byte] < BYTE_RESERVED)
			return false;
		if (before == '/' && (byte == '/' || byte == '.'))
			return false;
		before = path.at[i];
	}
	return true;
}

static const char *rewrite(struct sv raw, struct forms *f)
{
	for (size_t i = 0; i < raw.n;) {
		const char *why = take_next(f, raw, &i);
		if (why)
			return why;
	}
	return has_dot_segment((struct sv){f->normal, f->n_normal}) ? "dot segment in the path"
	                                                            : NULL;
}

static const char no_memory[] = "out of memory for the path";

static const char *rewrite_forms(struct sv raw, struct arena *scratch, struct authz_path *ret)
{
	struct forms f = {.normal = arena_alloc(scratch, raw.n * 6)};
	if (!f.normal)
		return no_memory;
	f.written = f.normal + raw.n * 3;
	const char *why = rewrite(raw, &f);
	ret->normal = (struct sv){f.normal, f.n_normal};
	ret->written = (struct sv){f.written, f.n_written};
	ret->differs = !sv_eq(ret->normal, ret->written);
	return why;
}

static struct sv without_query(struct sv path)
{
	const char *mark = path.n ? memchr(path.at, '?', path.n) : NULL;

	return mark ? (struct sv){path.at, (size_t)(mark - path.at)} : path;
}

/* source: RFC 3986 3.3; servlet containers cut them off before they look a path up. */
static bool cut_parameters(struct arena *scratch, struct authz_path *ret)
{
	struct sv normal = ret->normal;

	ret->bare = normal;
	ret->has_parameters = memchr(normal.at, ';', normal.n);
	if (!ret->has_parameters)
		return true;
	char *bare = arena_alloc(scratch, normal.n);
	bool inside = false;
	size_t n = 0;
	for (size_t i = 0; bare && i < normal.n; i++) {
		char c = normal.at[i];
		inside = c == ';' || (inside && c != '/');
		bool merges = c == '/' && n > 0 && bare[n - 1] == '/';
		if (!inside && !merges)
			bare[n++] = c;
	}
	ret->bare = (struct sv){bare, n};
	return bare;
}

bool authz_path_normalise(struct sv raw, struct arena *scratch, struct authz_path *ret,
                          const char **ret_why)
{
	raw = without_query(raw);
	*ret_why = path_refused(raw);
	if (*ret_why)
		return false;
	*ret = (struct authz_path){.normal = raw, .written = raw};
	*ret_why = is_plain(raw) ? NULL : rewrite_forms(raw, scratch, ret);
	if (!*ret_why && !cut_parameters(scratch, ret))
		*ret_why = no_memory;
	return !*ret_why;
}

bool authz_path_is_asterisk(struct sv method, struct sv path)
{
	return sv_eq(path, SVL("*")) && sv_eq(method, SVL("OPTIONS"));
}

bool authz_path_decode(struct sv text, struct arena *scratch, struct sv *ret)
{
	if (text.n == 0 || !memchr(text.at, '%', text.n)) {
		*ret = text;
		return true;
	}
	char *out = arena_alloc(scratch, text.n);
	if (!out)
		return false;
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++) {
		int escaped = text.at[i] == '%' ? path_escape_at(text, i) : -1;
		out[n++] = escaped >= 0 ? (char)escaped : text.at[i];
		i += escaped >= 0 ? 2 : 0;
	}
	*ret = (struct sv){out, n};
	return true;
}
