#include "admin/target.h"

#include "core/utf8.h"

#include <string.h>

static int hex_value(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool is_control(char c)
{
	return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Decodes text onto itself. A decoded byte in `never` or a control byte refuses the whole. */
static bool decode(char *at, size_t n, bool is_query, struct sv *ret)
{
	size_t out = 0;
	for (size_t in = 0; in < n; in++, out++) {
		char c = at[in];
		if (c == '%') {
			if (n - in < 3 || hex_value(at[in + 1]) < 0 || hex_value(at[in + 2]) < 0)
				return false;
			c = (char)(hex_value(at[in + 1]) << 4 | hex_value(at[in + 2]));
			in += 2;
			if (!is_query && (c == '/' || c == '%'))
				return false;
		} else if (is_query && c == '+') {
			c = ' ';
		}
		if (is_control(c) || (!is_query && c == '\\'))
			return false;
		at[out] = c;
	}
	*ret = (struct sv){at, out};
	return utf8_valid(*ret);
}

static bool segments_ok(struct sv path)
{
	struct sv rest = sv_from(path, 1);
	struct sv segment;
	while (rest.n > 0) {
		size_t n = sv_find(rest, '/');
		segment = sv_first(rest, n);
		if (segment.n == 0 || sv_eq(segment, SVL(".")) || sv_eq(segment, SVL("..")))
			return false;
		rest = sv_from(rest, n + 1);
	}
	return true;
}

static bool add_param(char *at, size_t n, struct target *target)
{
	const char *equals = memchr(at, '=', n);
	size_t n_name = equals ? (size_t)(equals - at) : n;
	struct target_param param = {0};

	if (target->n_params == TARGET_PARAMS_MAX || !decode(at, n_name, true, &param.name))
		return false;
	if (equals && !decode(at + n_name + 1, n - n_name - 1, true, &param.value))
		return false;
	for (size_t i = 0; i < target->n_params; i++)
		if (sv_eq(target->params[i].name, param.name))
			return false;
	target->params[target->n_params++] = param;
	return true;
}

static bool parse_query(char *at, size_t n, struct target *target)
{
	while (n > 0) {
		const char *and = memchr(at, '&', n);
		size_t n_pair = and? (size_t)(and-at) : n;
		if (n_pair > 0 && !add_param(at, n_pair, target))
			return false;
		size_t n_used = and? n_pair + 1 : n_pair;
		at += n_used;
		n -= n_used;
	}
	return true;
}

static bool plain_bytes(const char *raw, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (raw[i] <= 0x20 || raw[i] == 0x7f || raw[i] == '#' || raw[i] == '\\')
			return false;
	return true;
}

bool target_parse(char *raw, size_t n, struct target *ret)
{
	struct target target = {0};

	if (n == 0 || n > TARGET_MAX_BYTES || raw[0] != '/' || !plain_bytes(raw, n))
		return false;
	size_t n_path = sv_find((struct sv){raw, n}, '?');
	if (!decode(raw, n_path, false, &target.path) || !segments_ok(target.path))
		return false;
	if (n_path < n && !parse_query(raw + n_path + 1, n - n_path - 1, &target))
		return false;
	*ret = target;
	return true;
}

const struct sv *target_param(const struct target *target, const char *name)
{
	for (size_t i = 0; i < target->n_params; i++)
		if (sv_eq(target->params[i].name, sv_of(name)))
			return &target->params[i].value;
	return NULL;
}

enum cookie_result target_cookie(struct sv header, struct sv name, struct sv *ret)
{
	enum cookie_result result = COOKIE_NONE;
	struct sv value = {0};

	while (header.n > 0) {
		size_t n = sv_find(header, ';');
		struct sv pair = sv_trim(sv_first(header, n));
		header = sv_from(header, n + 1);
		size_t equals = sv_find(pair, '=');
		if (equals == pair.n || !sv_eq(sv_first(pair, equals), name))
			continue;
		if (result != COOKIE_NONE)
			return COOKIE_REFUSED;
		result = COOKIE_FOUND;
		value = sv_from(pair, equals + 1);
	}
	if (result == COOKIE_FOUND)
		*ret = value;
	return result;
}
