#ifndef AUTHZ_TEMPLATE_H
#define AUTHZ_TEMPLATE_H

#include "authz/match.h"
#include "core/arena.h"
#include "core/limits.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

enum authz_segment_kind {
	AUTHZ_SEGMENT_LITERAL = 0, /* text, compared whole */
	AUTHZ_SEGMENT_ONE,         /* {*} {name} {name=*}: one segment, not empty */
	AUTHZ_SEGMENT_REST, /* {**} {name=**}: zero or more bytes, '/' too; at most one, the last
	                       operator */
};

struct authz_segment {
	enum authz_segment_kind kind;
	struct sv text; /* of a literal */
	int capture;    /* index into names, -1 without a name */
};

/* A path pattern: a string match, or a template when it holds '{'. Literal text is in the normal
 * form of authz/path.h, so that it compares with normalised paths byte by byte. */
struct authz_template {
	bool is_template;
	struct authz_match match; /* when it is not a template */
	struct sv pattern;        /* as the author wrote it */
	const struct authz_segment *segments;
	size_t n_segments;
	struct sv tail;   /* what must stand after {**}, with its leading '/'; empty when nothing */
	struct sv *names; /* of the captures */
	size_t n_names;
};

struct authz_captures {
	const struct authz_template *template;   /* whose names they are; NULL without any */
	struct sv values[TEMPLATE_MAX_CAPTURES]; /* views of the path, still percent-encoded */
};

/* authz_template_parse - compile a path pattern.
 *
 * in      pattern: kept by reference; keep: memory of the compiled set
 * out     *ret on true; *ret_why, a static text, on false
 * errors  false: not a path, text beside an operator, operator after {**}, a name twice, too many
 *         segments or captures, or text that no normalised path can ever have
 * source  Envoy uri_template, Istio AuthorizationPolicy paths; names are ours
 */
MUST_CHECK bool authz_template_parse(struct sv pattern, struct arena *keep,
                                     struct authz_template *ret, const char **ret_why);

/* authz_template_holds - match a path in linear time.
 *
 * out     *ret when true; may be NULL
 */
bool authz_template_holds(const struct authz_template *template, struct sv path,
                          struct authz_captures *ret);

/* authz_captures_find - the value of a name, still encoded; false when the template has no such
 * name. */
bool authz_captures_find(const struct authz_captures *captures, struct sv name, struct sv *ret);

/* authz_template_order - the more specific pattern first: exact, then by literal text, then by
 * length.
 *
 * Negative when a is the more specific. Only for naming a route or choosing a service, never for a
 * verdict.
 */
int authz_template_order(const struct authz_template *a, const struct authz_template *b);

#endif
