/* The `condition` of a rule: what lists of values cannot say, in CEL (agent/authz/cel/). Relations that `when` asks for
 * (related.h) are expressions too.
 *
 * What it may name is in one table (expression_names.c), of which schema/attributes.md is made. It is compiled when the
 * policy set is loaded: a name that is misspelt, a capture that not every path of the rule binds, a type that does
 * not fit, or a result that is no bool is an error with its place in the text.
 *
 * An expression that fails when a request is judged (a claim that is not there, a text that is no number, too many
 * steps) never grants: in an ALLOW rule it does not hold, in a DENY rule it does. Others let an erring DENY pass; we
 * do not.
 */
#ifndef AUTHZ_EXPRESSION_H
#define AUTHZ_EXPRESSION_H

#include "authz/attribute.h"
#include "authz/cel/program.h"

#include <jansson.h>
#include <stdbool.h>

struct authz_rule;
struct compile;
struct compile_place;

struct authz_expression {
	struct sv label; /* where it stands in the rule: "condition", "when[0].related" */
	struct sv source;
	struct cel_program program;
	const struct sv *captures; /* path.<name>, in the order of their slots */
	size_t n_captures;
	bool uses_captures, uses_user; /* a user could make a difference */
	bool uses_secrets; /* header fields or the query: its values are told to nobody */
	struct authz_expression *next;  /* of the set, for authz_expressions_fini() */
	struct authz_expression *after; /* the next of the rule, which has to hold as well */
};

enum authz_expression_outcome {
	AUTHZ_EXPRESSION_FAILED = 0, /* an error */
	AUTHZ_EXPRESSION_FALSE,
	AUTHZ_EXPRESSION_TRUE,
};

/* What functions of a condition get as their host. */
struct authz_asker {
	const struct authz_view *view;
	bool takes_usersets; /* the author wrote a '#': without, none may come from what is compared */
	struct sv *
		missing; /* out: the last tuple that related() did not find; NULL: nobody is told */
};

/* authz_expression_evaluate - captures: of the path pattern that matched; may be NULL
 *
 * out     *ret_why: "true", "false" and the tuple that is missing, or the error with line and column; a view of view->scratch or static text. May
 *         be NULL. Never holds a value of a header field
 */
enum authz_expression_outcome authz_expression_evaluate(const struct authz_expression *expression,
                                                        const struct authz_view *view,
                                                        const struct authz_captures *captures,
                                                        struct sv *ret_why);

/* authz_expression_reads - the values of what it names, for people: [{name, value}], where there is none
 * [{name, error}], and [{name, hidden: true}] where it may be a secret. Long ones are cut.
 *
 * returns owned; NULL: no memory
 */
MUST_CHECK json_t *authz_expression_reads(const struct authz_expression *expression,
                                          const struct authz_view *view,
                                          const struct authz_captures *captures);

/* authz_expression_slots, _slot_name, _slot_is_secret, _slot_value - what it may name: slots from 0, of which the
 * program uses some. The value may be an error that says why there is none. */
size_t authz_expression_slots(const struct authz_expression *expression);
struct sv authz_expression_slot_name(const struct authz_expression *expression, size_t slot,
                                     struct arena *scratch);
bool authz_expression_slot_is_secret(size_t slot);
struct cel_value authz_expression_slot_value(const struct authz_expression *expression,
                                             const struct authz_view *view,
                                             const struct authz_captures *captures, size_t slot,
                                             struct cel_call *call);

/* compile_expression - one more that has to hold for the rule; what is wrong with it is reported.
 *
 * in      source: at most 4 KiB; label: as above; both memory of the set, or of its document; rule: its `to` is compiled
 *         already
 */
void compile_expression(struct compile *c, struct sv source, struct sv label,
                        const struct compile_place *at, struct authz_rule *rule);
/* authz_expressions_fini - releases what they hold outside of the set's memory. */
void authz_expressions_fini(struct authz_expression *first);

/* ---- expression_names.c ---- */

/* One name that conditions may use. */
struct authz_name {
	const char *name, *type;
	const char *does; /* for the documents: a sentence without its full stop */
	bool about_user;  /* known only by a user's credential */
	/* The value, or an error that says why there is none. */
	struct cel_value (*get)(struct cel_call *call, const struct authz_view *view);
};
extern const struct authz_name authz_names[];
extern const size_t n_authz_names;

#endif
