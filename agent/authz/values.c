#include "authz/compile.h"
#include "core/jsonload.h"
#include "core/limits.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- places, names and texts ---- */

struct compile_place compile_key(const struct compile_place *at, const char *key)
{
	struct compile_place place;
	(void)snprintf(place.pointer, sizeof(place.pointer), "%.200s/%.50s", at->pointer, key);
	return place;
}

struct compile_place compile_index(const struct compile_place *at, size_t index)
{
	struct compile_place place;
	(void)snprintf(place.pointer, sizeof(place.pointer), "%.220s/%zu", at->pointer, index);
	return place;
}

void compile_report(struct compile *c, const struct compile_place *at, const char *code,
                    const char *format, ...)
{
	char *text = NULL;
	va_list args;
	va_start(args, format);
	int n = vasprintf(&text, format, args);
	va_end(args);
	c->failed = true;
	diag_add(c->diag, at->pointer, code, "%s", n < 0 ? "this is not acceptable" : text);
	if (n >= 0)
		free(text);
}

void *compile_array(struct compile *c, const struct compile_place *at, size_t n, size_t size)
{
	void *memory = arena_array(c->keep, n ? n : 1, size);
	if (!memory)
		compile_report(c, at, "too_large",
		               "the policy set needs more memory than it may have");
	return memory;
}

static bool is_name_byte(char c, bool first)
{
	if ((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9'))
		return true;
	return !first && c != 0 && strchr("._:/-", c);
}

struct sv compile_name(struct compile *c, const json_t *value, const struct compile_place *at)
{
	struct sv name = json_string_sv(value);
	bool good = name.n > 0 && name.n <= POLICY_NAME_MAX_BYTES;
	for (size_t i = 0; good && i < name.n; i++)
		good = is_name_byte(name.at[i], i == 0);
	if (!good)
		compile_report(
			c, at, "bad_name",
			"a name is 1 to %d letters, digits or any of '._:/-', and starts with "
			"a letter or digit",
			POLICY_NAME_MAX_BYTES);
	return name;
}

size_t compile_list(struct compile *c, const json_t *value, const struct compile_place *at)
{
	size_t n = json_array_size(value);
	if (!json_is_array(value))
		compile_report(c, at, "wrong_type", "an array is expected here");
	else if (n == 0)
		compile_report(c, at, "empty_list",
		               "an empty list says nothing; leave it out or name what is meant");
	else if (n > POLICY_LIST_MAX_ITEMS)
		compile_report(c, at, "too_many", "at most %d elements are allowed here",
		               POLICY_LIST_MAX_ITEMS);
	else
		return n;
	return 0;
}

bool compile_text(struct compile *c, const json_t *value, const struct compile_place *at,
                  struct sv *ret)
{
	struct sv text = json_string_sv(value);
	if (!json_is_string(value)) {
		compile_report(c, at, "wrong_type", "a string is expected here");
		return false;
	}
	if (text.n == 0 || text.n > POLICY_TEXT_MAX_BYTES) {
		compile_report(c, at, "wrong_length", "between 1 and %d bytes are expected",
		               POLICY_TEXT_MAX_BYTES);
		return false;
	}
	for (size_t i = 0; i < text.n; i++) {
		if ((unsigned char)text.at[i] < ' ' || text.at[i] == 0x7f) {
			compile_report(c, at, "bad_text",
			               "control characters are not allowed here");
			return false;
		}
	}
	*ret = text;
	return true;
}

/* ---- lists of values ---- */

enum { EXPECTED_MAX_BYTES = 256 };

struct sv compile_describe(struct compile *c, const json_t *list, bool negated)
{
	char text[EXPECTED_MAX_BYTES + 8];
	size_t used = 0;
	size_t n = json_array_size(list);
	for (size_t i = 0; i < n && used < EXPECTED_MAX_BYTES; i++) {
		const char *value = json_string_value(json_array_get(list, i));
		size_t room = EXPECTED_MAX_BYTES - used;
		int written =
			snprintf(text + used, room, "%s%s", i ? ", " : "", value ? value : "");
		bool whole = written >= 0 && (size_t)written < room;
		used = whole ? used + (size_t)written : EXPECTED_MAX_BYTES;
	}
	if (used >= EXPECTED_MAX_BYTES) {
		memcpy(text + EXPECTED_MAX_BYTES - 1, "...", 4);
		used = EXPECTED_MAX_BYTES + 2;
	}
	return arena_printf(c->keep, "%s%.*s", negated ? "none of " : "", (int)used, text);
}

/* ---- string matches by syntax: each returns NULL or what is wrong ---- */

static const char *check_none(struct authz_match *match)
{
	(void)match;
	return NULL;
}

/* "spiffe://td/..." and "td/..." name the same workload. */
static const char *check_principal(struct authz_match *match)
{
	static const struct sv scheme = SV("spiffe://");
	bool from_start = match->kind == AUTHZ_MATCH_EXACT || match->kind == AUTHZ_MATCH_PREFIX;
	if (from_start && sv_starts(match->text, scheme))
		match->text = sv_from(match->text, scheme.n);
	return match->text.n == 0 && from_start ? "the SPIFFE ID is empty" : NULL;
}

/* "a.example:*" is how Istio says "a.example with any port": ours are compared without. */
static void drop_any_port(struct authz_match *match)
{
	struct sv text = match->text;
	bool is_open_v6 = text.n > 0 && text.at[0] == '[' && !sv_ends(text, SVL("]:"));
	if (match->kind != AUTHZ_MATCH_PREFIX || is_open_v6 || !sv_ends(text, SVL(":")))
		return;
	match->kind = AUTHZ_MATCH_EXACT;
	match->text.n--;
}

static const char *check_host(struct authz_match *match)
{
	static const char with_port[] = "a host is written without port and without a trailing dot";
	struct sv host;
	if (match->kind == AUTHZ_MATCH_PRESENT)
		return NULL;
	drop_any_port(match);
	if (!authz_host_normalise(match->text, &host))
		return "this is not a host name or address";
	if (match->kind != AUTHZ_MATCH_PREFIX)
		return host.n == match->text.n ? NULL : with_port;
	bool has_port = match->text.at[0] != '[' && sv_find(match->text, ':') < match->text.n;
	return has_port ? with_port : NULL;
}

static const char *check_method(struct authz_match *match)
{
	for (size_t i = 0; i < match->text.n; i++) {
		char c = match->text.at[i];
		if (c >= 'a' && c <= 'z')
			return "methods are case-sensitive and written in upper case";
		if (!((c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_'))
			return "this is not an HTTP method";
	}
	return NULL;
}

static const char *check_port(struct authz_match *match)
{
	unsigned long long port;
	bool good = match->kind == AUTHZ_MATCH_EXACT && sv_to_u64(match->text, &port) && port > 0 &&
	            port <= 65535 && match->text.at[0] != '0';
	return good ? NULL : "a port is a number from 1 to 65535, written as a string";
}

static const char *check_account(struct authz_match *match)
{
	size_t slash = sv_find(match->text, '/');
	struct sv rest = sv_from(match->text, slash + 1);
	bool good = match->kind == AUTHZ_MATCH_EXACT && slash > 0 && rest.n > 0 &&
	            sv_find(rest, '/') == rest.n;
	return good ? NULL : "a service account is written namespace/account, without '*'";
}

static const char *(*const checks[SYNTAX_COUNT])(struct authz_match *) = {
	[SYNTAX_TEXT] = check_none,       [SYNTAX_PRINCIPAL] = check_principal,
	[SYNTAX_HOST] = check_host,       [SYNTAX_METHOD] = check_method,
	[SYNTAX_BLOCK] = check_none,      [SYNTAX_PORT] = check_port,
	[SYNTAX_ACCOUNT] = check_account,
};

static void compile_matches(struct compile *c, const json_t *list, const struct compile_place *at,
                            enum compile_syntax syntax, struct authz_condition *into)
{
	size_t n = json_array_size(list);
	size_t n_good = 0;
	struct authz_match *matches = calloc(n ? n : 1, sizeof(*matches));
	for (size_t i = 0; matches && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		struct sv text;
		const char *why = NULL;
		if (!compile_text(c, json_array_get(list, i), &place, &text))
			continue;
		if (authz_match_parse(text, &matches[n_good], &why))
			why = checks[syntax](&matches[n_good]);
		if (why)
			compile_report(c, &place, "bad_value", "%s", why);
		else
			n_good++;
	}
	bool folds_case = syntax == SYNTAX_HOST;
	if (!matches || !authz_match_set_build(matches, n_good, folds_case, c->keep, &into->texts))
		compile_report(c, at, "too_large",
		               "the policy set needs more memory than it may have");
	free(matches);
}

static void compile_blocks(struct compile *c, const json_t *list, const struct compile_place *at,
                           struct authz_condition *into)
{
	size_t n = json_array_size(list);
	struct netblock *blocks = compile_array(c, at, n, sizeof(*blocks));
	for (size_t i = 0; blocks && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		struct sv text;
		if (!compile_text(c, json_array_get(list, i), &place, &text))
			continue;
		if (netblock_parse(text, &blocks[into->blocks.n]))
			into->blocks.n++;
		else
			compile_report(c, &place, "bad_value",
			               "this is neither an address nor a block such as 10.0.0.0/8 "
			               "with zero bits behind the prefix");
	}
	into->blocks.at = blocks;
}

void compile_values(struct compile *c, const json_t *list, const struct compile_place *at,
                    enum compile_syntax syntax, struct authz_condition *into)
{
	if (compile_list(c, list, at) == 0)
		return;
	into->expected = compile_describe(c, list, into->negated);
	if (syntax == SYNTAX_BLOCK)
		compile_blocks(c, list, at, into);
	else
		compile_matches(c, list, at, syntax, into);
}

static bool has_doubled_slash(struct sv text)
{
	return text.n > 0 && memmem(text.at, text.n, "//", 2);
}

void compile_paths(struct compile *c, const json_t *list, const struct compile_place *at,
                   const struct authz_template **ret, size_t *ret_n, struct sv *ret_expected)
{
	size_t n = compile_list(c, list, at);
	struct authz_template *paths = compile_array(c, at, n, sizeof(*paths));
	if (n == 0 || !paths)
		return;
	size_t n_good = 0;
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = compile_index(at, i);
		struct sv text;
		const char *why = NULL;
		if (!compile_text(c, json_array_get(list, i), &place, &text))
			continue;
		bool good = !(c->keeps_slashes && has_doubled_slash(text));
		if (!good)
			why = "a service of this set does not merge slashes and patterns are kept "
			      "merged: write {**} for what stands between them";
		good = good && authz_template_parse(text, c->keep, &paths[n_good], &why);
		if (good)
			n_good++;
		else
			compile_report(c, &place, "bad_path", "%s", why);
	}
	*ret = paths;
	*ret_n = n_good;
	*ret_expected = compile_describe(c, list, false);
}
