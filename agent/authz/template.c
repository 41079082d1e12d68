#include "authz/template.h"

#include "authz/path.h"

#include <string.h>

static bool is_name(struct sv text)
{
	if (text.n == 0 || text.n > CAPTURE_NAME_MAX_BYTES)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.at[i];
		bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!letter && (i == 0 || c < '0' || c > '9'))
			return false;
	}
	return true;
}

static bool has_byte(struct sv text, char c)
{
	return text.n > 0 && memchr(text.at, c, text.n);
}

/* Literal text in the form request paths have. It starts with '/' here. */
static bool normalise_literal(struct sv text, struct arena *keep, struct sv *ret,
                              const char **ret_why)
{
	struct authz_path path;

	if (has_byte(text, '?')) {
		*ret_why = "a query is never part of a path";
		return false;
	}
	if (!authz_path_normalise(text, keep, &path, ret_why))
		return false;
	*ret = path.normal;
	return true;
}

/* A fragment of a path in normal form: completed to a path by what stands in for its '*', which is
 * taken away again. */
static bool normalise_fragment(struct sv before, struct sv *text, struct sv after,
                               struct arena *keep, const char **ret_why)
{
	struct sv whole =
		arena_printf(keep, "%.*s%.*s%.*s", SV_ARG(before), SV_ARG(*text), SV_ARG(after));
	if (whole.n != before.n + text->n + after.n) {
		*ret_why = "the policy set is too large";
		return false;
	}
	if (!normalise_literal(whole, keep, &whole, ret_why))
		return false;
	*text = (struct sv){whole.at + before.n, whole.n - before.n - after.n};
	return true;
}

static bool parse_match(struct sv pattern, struct arena *keep, struct authz_template *ret,
                        const char **ret_why)
{
	struct authz_match *match = &ret->match;

	if (!authz_match_parse(pattern, match, ret_why))
		return false;
	switch (match->kind) {
	case AUTHZ_MATCH_EXACT:
		return normalise_literal(match->text, keep, &match->text, ret_why);
	case AUTHZ_MATCH_PREFIX:
		return normalise_fragment(SVL(""), &match->text, SVL("x"), keep, ret_why);
	case AUTHZ_MATCH_SUFFIX:
		if (match->text.at[0] == '/')
			return normalise_literal(match->text, keep, &match->text, ret_why);
		return normalise_fragment(SVL("/x"), &match->text, SVL(""), keep, ret_why);
	case AUTHZ_MATCH_PRESENT:
	case AUTHZ_MATCH_NEVER:
		break;
	}
	return true;
}

/* "{...}" without its braces into kind and name. */
static const char *parse_op(struct sv inner, struct authz_template *t, struct authz_segment *ret)
{
	struct sv name = inner;
	struct sv op = SVL("*");
	const char *equals = inner.n ? memchr(inner.at, '=', inner.n) : NULL;

	ret->capture = -1;
	if (sv_eq(inner, SVL("*")) || sv_eq(inner, SVL("**"))) {
		op = inner;
		name.n = 0;
	} else if (equals) {
		name.n = (size_t)(equals - inner.at);
		op = (struct sv){equals + 1, inner.n - name.n - 1};
	}
	if (!sv_eq(op, SVL("*")) && !sv_eq(op, SVL("**")))
		return "after '=' only * or ** may stand";
	ret->kind = op.n == 2 ? AUTHZ_SEGMENT_REST : AUTHZ_SEGMENT_ONE;
	if (op.at == inner.at)
		return NULL;

	if (!is_name(name))
		return "a capture's name is letters, digits and '_', and starts with no digit";
	if (t->n_names == TEMPLATE_MAX_CAPTURES)
		return "too many captures in one template";
	for (size_t i = 0; i < t->n_names; i++) {
		if (sv_eq(t->names[i], name))
			return "two captures have the same name";
	}
	ret->capture = (int)t->n_names;
	t->names[t->n_names++] = name;
	return NULL;
}

static const char *parse_segment(struct sv text, struct authz_template *t,
                                 struct authz_segment *ret)
{
	bool opens = has_byte(text, '{');

	if (!opens && !has_byte(text, '}')) {
		*ret = (struct authz_segment){
			.kind = AUTHZ_SEGMENT_LITERAL, .text = text, .capture = -1};
		return has_byte(text, '*') ? "'*' has to stand in braces in a template: {*} or {**}"
		                           : NULL;
	}
	if (text.at[0] != '{' || text.at[text.n - 1] != '}' || text.n < 3)
		return "a segment is either text or exactly one of {name}, {*}, {**}, {name=*}, "
		       "{name=**}";
	struct sv inner = {text.at + 1, text.n - 2};
	if (has_byte(inner, '{') || has_byte(inner, '}'))
		return "a segment holds at most one operator";
	return parse_op(inner, t, ret);
}

static size_t count_segments(struct sv path)
{
	size_t n = 0;

	for (size_t i = 0; i < path.n; i++)
		n += path.at[i] == '/';
	return n;
}

/* Cuts the next segment off a path whose first byte is '/'. */
static struct sv next_segment(struct sv *path)
{
	const char *start = path->at + 1;
	size_t left = path->n - 1;
	const char *slash = left ? memchr(start, '/', left) : NULL;
	size_t n = slash ? (size_t)(slash - start) : left;

	*path = (struct sv){start + n, left - n};
	return (struct sv){start, n};
}

/* Literal segments are normalised one by one; an empty one may only be the last (a trailing slash).
 */
static const char *normalise_segment(struct authz_segment *segment, bool is_last,
                                     struct arena *keep)
{
	const char *why = NULL;

	if (segment->kind != AUTHZ_SEGMENT_LITERAL)
		return NULL;
	if (segment->text.n == 0)
		return is_last ? NULL : "slashes are merged, so an empty segment never matches";
	struct sv rooted = {segment->text.at - 1, segment->text.n + 1};
	if (!normalise_literal(rooted, keep, &rooted, &why))
		return why;
	segment->text = (struct sv){rooted.at + 1, rooted.n - 1};
	return NULL;
}

/* What stands after {**} as one text, so that matching it is one comparison at the end. */
static bool join_tail(struct authz_template *t, size_t rest, struct arena *keep)
{
	size_t n = 0;

	for (size_t i = rest + 1; i < t->n_segments; i++)
		n += t->segments[i].text.n + 1;
	if (n == 0)
		return true;
	char *tail = arena_alloc(keep, n);
	if (!tail)
		return false;
	t->tail = (struct sv){tail, n};
	for (size_t i = rest + 1; i < t->n_segments; i++) {
		*tail++ = '/';
		if (t->segments[i].text.n)
			memcpy(tail, t->segments[i].text.at, t->segments[i].text.n);
		tail += t->segments[i].text.n;
	}
	t->n_segments = rest + 1;
	return true;
}

static const char *parse_segments(struct sv text, struct arena *keep, struct authz_template *t,
                                  struct authz_segment *segments)
{
	size_t rest = SIZE_MAX;

	for (size_t i = 0; i < t->n_segments; i++) {
		const char *why = parse_segment(next_segment(&text), t, &segments[i]);
		if (!why)
			why = normalise_segment(&segments[i], i + 1 == t->n_segments, keep);
		if (why)
			return why;
		if (rest != SIZE_MAX && segments[i].kind != AUTHZ_SEGMENT_LITERAL)
			return "{**} has to be the last operator; only text may follow it";
		if (segments[i].kind == AUTHZ_SEGMENT_REST)
			rest = i;
	}
	if (rest != SIZE_MAX && !join_tail(t, rest, keep))
		return "the policy set is too large";
	return NULL;
}

static bool parse_template(struct sv pattern, struct arena *keep, struct authz_template *ret,
                           const char **ret_why)
{
	ret->is_template = true;
	if (pattern.at[0] != '/') {
		*ret_why = "a path template starts with '/'";
		return false;
	}
	ret->n_segments = count_segments(pattern);
	if (ret->n_segments > TEMPLATE_MAX_SEGMENTS) {
		*ret_why = "too many segments in one template";
		return false;
	}
	struct authz_segment *segments = arena_array(keep, ret->n_segments, sizeof(*segments));
	ret->names = arena_array(keep, TEMPLATE_MAX_CAPTURES, sizeof(*ret->names));
	if (!segments || !ret->names) {
		*ret_why = "the policy set is too large";
		return false;
	}
	ret->segments = segments;
	*ret_why = parse_segments(pattern, keep, ret, segments);
	return !*ret_why;
}

bool authz_template_parse(struct sv pattern, struct arena *keep, struct authz_template *ret,
                          const char **ret_why)
{
	struct authz_template t = {.pattern = pattern};

	if (pattern.n > PATH_MAX_BYTES) {
		*ret_why = "the path is too long";
		return false;
	}
	bool braces = has_byte(pattern, '{') || has_byte(pattern, '}');
	bool good = braces ? parse_template(pattern, keep, &t, ret_why)
	                   : parse_match(pattern, keep, &t, ret_why);
	if (good)
		*ret = t;
	return good;
}

/* The path from where {**} stands: what the tail does not need belongs to it. */
static bool hold_rest(const struct authz_template *t, struct sv path, struct sv *ret)
{
	struct sv rest = {path.at + 1, path.n - 1};

	if (rest.n < t->tail.n || !sv_ends(rest, t->tail))
		return false;
	*ret = (struct sv){rest.at, rest.n - t->tail.n};
	return true;
}

bool authz_template_holds(const struct authz_template *t, struct sv path,
                          struct authz_captures *ret)
{
	struct authz_captures captures;

	captures.template = t;
	if (!t->is_template) {
		if (ret)
			ret->template = NULL;
		return authz_match_holds(&t->match, path, false);
	}
	for (size_t i = 0; i < t->n_segments; i++) {
		const struct authz_segment *segment = &t->segments[i];
		struct sv part;
		if (path.n == 0 || path.at[0] != '/')
			return false;
		if (segment->kind == AUTHZ_SEGMENT_REST) {
			if (!hold_rest(t, path, &part))
				return false;
			path.n = 0;
		} else {
			part = next_segment(&path);
			bool good = segment->kind == AUTHZ_SEGMENT_ONE ? part.n > 0
			                                               : sv_eq(part, segment->text);
			if (!good)
				return false;
		}
		if (segment->capture >= 0)
			captures.values[segment->capture] = part;
	}
	if (path.n != 0)
		return false;
	if (ret)
		*ret = captures;
	return true;
}

bool authz_captures_find(const struct authz_captures *captures, struct sv name, struct sv *ret)
{
	if (!captures->template)
		return false;
	for (size_t i = 0; i < captures->template->n_names; i++) {
		if (sv_eq(captures->template->names[i], name)) {
			*ret = captures->values[i];
			return true;
		}
	}
	return false;
}

/* Classes from narrow to wide. */
static int width(const struct authz_template *t)
{
	static const int of_match[] = {
		[AUTHZ_MATCH_NEVER] = 0,  [AUTHZ_MATCH_EXACT] = 0,   [AUTHZ_MATCH_PREFIX] = 2,
		[AUTHZ_MATCH_SUFFIX] = 3, [AUTHZ_MATCH_PRESENT] = 4,
	};

	if (!t->is_template)
		return of_match[t->match.kind];
	return t->segments[t->n_segments - 1].kind == AUTHZ_SEGMENT_REST ? 2 : 1;
}

static size_t literal_bytes(const struct authz_template *t)
{
	if (!t->is_template)
		return t->match.text.n;
	size_t n = t->tail.n;
	for (size_t i = 0; i < t->n_segments; i++)
		n += t->segments[i].text.n + 1;
	return n;
}

int authz_template_order(const struct authz_template *a, const struct authz_template *b)
{
	int difference = width(a) - width(b);
	if (difference)
		return difference;
	size_t left = literal_bytes(a);
	size_t right = literal_bytes(b);
	return left == right ? 0 : left > right ? -1 : 1;
}
