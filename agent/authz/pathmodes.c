/* Paths as Istio's proxies take them. The order is Envoy's: escaped slashes, RFC 3986, slashes. */
#include "authz/path.h"
#include "authz/pathbytes.h"

#include <string.h>

const char *const authz_path_mode_names[AUTHZ_PATH_MODE_COUNT] = {
	[AUTHZ_PATH_STRICT] = "STRICT",
	[AUTHZ_PATH_NONE] = "NONE",
	[AUTHZ_PATH_BASE] = "BASE",
	[AUTHZ_PATH_MERGE_SLASHES] = "MERGE_SLASHES",
	[AUTHZ_PATH_DECODE_AND_MERGE_SLASHES] = "DECODE_AND_MERGE_SLASHES",
};

bool authz_path_merges(enum authz_path_mode mode)
{
	return mode != AUTHZ_PATH_NONE && mode != AUTHZ_PATH_BASE;
}

struct text {
	char *at;
	size_t n;
};

static void put(struct text *t, char c)
{
	t->at[t->n++] = c;
}

/* A byte that stands for itself. */
static void take_plain(enum authz_path_mode mode, uint8_t byte, struct text *t)
{
	if (mode == AUTHZ_PATH_NONE)
		put(t, (char)byte);
	else if (byte == '\\')
		put(t, '/');
	else if (path_byte_classes[byte] == BYTE_ESCAPE)
		t->n += path_put_escape(t->at + t->n, byte);
	else
		put(t, (char)byte);
}

static void take_escape(enum authz_path_mode mode, uint8_t byte, const char *written,
                        struct text *t)
{
	bool is_slash = byte == '/' || byte == '\\';
	if (is_slash && mode == AUTHZ_PATH_DECODE_AND_MERGE_SLASHES) {
		put(t, '/');
	} else if (mode != AUTHZ_PATH_NONE && path_byte_classes[byte] == BYTE_UNRESERVED) {
		put(t, (char)byte);
	} else {
		memcpy(t->at + t->n, written, 3);
		t->n += 3;
	}
}

static const char *decode(enum authz_path_mode mode, struct sv raw, struct text *t)
{
	for (size_t i = 0; i < raw.n; i++) {
		uint8_t byte = (uint8_t)raw.at[i];
		int escaped = byte == '%' ? path_escape_at(raw, i) : 0;
		if (byte == '%' && escaped < 0)
			return "invalid percent escape in the path";
		if (byte == '%' && escaped == 0)
			return "escaped NUL in the path";
		if (path_byte_classes[byte] == BYTE_REFUSED && byte != '\\')
			return "control byte or space in the path";
		if (byte == '%') {
			take_escape(mode, (uint8_t)escaped, raw.at + i, t);
			i += 2;
		} else {
			take_plain(mode, byte, t);
		}
	}
	return NULL;
}

/* source: RFC 3986 5.2.4. The result ends with '/' wherever a segment may follow. */
static void remove_dots(struct text *t)
{
	size_t out = 1;
	for (size_t i = 1; i < t->n;) {
		struct sv rest = {t->at + i, t->n - i};
		struct sv segment = sv_first(rest, sv_find(rest, '/'));
		bool has_slash = segment.n < rest.n;
		i += segment.n + has_slash;
		if (sv_eq(segment, SVL(".")))
			continue;
		if (sv_eq(segment, SVL(".."))) {
			while (out > 1 && t->at[--out - 1] != '/')
				;
			continue;
		}
		memmove(t->at + out, segment.at, segment.n + has_slash);
		out += segment.n + has_slash;
	}
	t->n = out;
}

static void merge_slashes(struct text *t)
{
	size_t out = 1;
	for (size_t i = 1; i < t->n; i++)
		if (t->at[i] != '/' || t->at[out - 1] != '/')
			t->at[out++] = t->at[i];
	t->n = out;
}

/* The form in which patterns are kept (path.c): else one with an escape would miss this path. */
static void respell(struct text from, struct text *t)
{
	for (size_t i = 0; i < from.n; i++) {
		uint8_t byte = (uint8_t)from.at[i];
		if (byte == '%') {
			struct sv path = {from.at, from.n};
			t->n += path_put_escape(t->at + t->n, (uint8_t)path_escape_at(path, i));
			i += 2;
		} else if (path_byte_classes[byte] < BYTE_RESERVED) {
			t->n += path_put_escape(t->at + t->n, byte);
		} else {
			put(t, (char)byte);
		}
	}
}

static struct sv without_query_and_fragment(struct sv raw)
{
	struct sv path = sv_first(raw, sv_find(raw, '?'));
	return sv_first(path, sv_find(path, '#'));
}

static const char *rewrite(enum authz_path_mode mode, struct sv raw, struct arena *scratch,
                           struct authz_path *ret)
{
	struct text normal = {.at = arena_alloc(scratch, raw.n * 6)};
	if (!normal.at)
		return "out of memory for the path";
	struct text written = {.at = normal.at + raw.n * 3};
	const char *why = decode(mode, raw, &normal);
	if (why)
		return why;
	if (mode != AUTHZ_PATH_NONE)
		remove_dots(&normal);
	if (authz_path_merges(mode))
		merge_slashes(&normal);
	respell(normal, &written);
	ret->normal = ret->bare = (struct sv){normal.at, normal.n};
	ret->written = (struct sv){written.at, written.n};
	ret->differs = !sv_eq(ret->normal, ret->written);
	return NULL;
}

bool authz_path_normalise_as(enum authz_path_mode mode, struct sv raw, struct arena *scratch,
                             struct authz_path *ret, const char **ret_why)
{
	if (mode == AUTHZ_PATH_STRICT)
		return authz_path_normalise(raw, scratch, ret, ret_why);
	raw = without_query_and_fragment(raw);
	*ret = (struct authz_path){0};
	*ret_why = path_refused(raw);
	if (!*ret_why)
		*ret_why = rewrite(mode, raw, scratch, ret);
	return !*ret_why;
}
