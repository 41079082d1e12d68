/* One compiled rule of a policy: alternatives of `from`, alternatives of `to`, and every `when`.
 *
 * Order of evaluation, which is also how near a rule that fails has come:
 *   1 to      one operation whose path, then host, port and method conditions all hold
 *   2 when    what is not about the user, with the captures of that operation's path
 *   3 from    one source; in it the workload and address conditions before the user's
 *   4 when    what is about the user: request.auth... as the key or in valuesFrom
 *   5 authentication   how the user signed in (stepup.h); ALLOW rules only: in a DENY rule it could be read both
 *             ways, and the compiler refuses it
 *   6 condition   relations that `when` asks for, and an expression (expression.h): they may be costly. One that fails
 *             does not hold in an ALLOW rule and holds in a DENY rule
 *
 * What is not known. A condition whose attribute HAProxy did not tell, or that a TCP connection
 * cannot have, does not hold in an ALLOW rule and holds in a DENY rule, negated or not. An attribute
 * that is known to be absent (no user, no such claim, no such header) has no value: no list matches
 * it and every negated list does, as in Istio.
 */
#ifndef AUTHZ_RULE_H
#define AUTHZ_RULE_H

#include "authz/attribute.h"
#include "authz/match.h"
#include "authz/stepup.h"
#include "authz/template.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum authz_action {
	AUTHZ_ACTION_DENY = 0,
	AUTHZ_ACTION_ALLOW,
	AUTHZ_ACTION_COUNT,
};
extern const char *const authz_action_names[AUTHZ_ACTION_COUNT];

enum authz_mode {
	AUTHZ_MODE_ENFORCE = 0,
	AUTHZ_MODE_SHADOW,   /* judged and recorded, never obeyed */
	AUTHZ_MODE_DISABLED, /* checked, never judged */
	AUTHZ_MODE_COUNT,
};
extern const char *const authz_mode_names[AUTHZ_MODE_COUNT];

/* One list that has to match, or must not. Of the lists below exactly the kind's own is filled;
 * sources adds to texts. */
struct authz_condition {
	struct authz_attribute attribute;
	bool negated;
	struct sv label; /* where it stands in the rule: "from.source.principals" */
	struct authz_match_set texts;
	struct authz_block_set blocks;
	const struct authz_template *paths;
	size_t n_paths;
	const struct authz_attribute *others; /* valuesFrom */
	size_t n_others;
	const uint32_t *roles; /* their numbers */
	size_t n_roles;
	bool about_user;    /* of roles: a user may be what it takes */
	struct sv expected; /* the values as written, for people */
};

/* authz_condition_about_user - does it take a user's credential to hold: in what it looks at, or in what
 * that is compared with? */
bool authz_condition_about_user(const struct authz_condition *c);

struct authz_conditions {
	const struct authz_condition *at;
	size_t n;
};

struct authz_operation {
	const struct authz_template *paths; /* one has to match; none: any path, and no path */
	size_t n_paths;
	struct sv paths_expected;
	struct authz_conditions conditions;
};

struct authz_policy {
	struct sv name;
	enum authz_action action;
	enum authz_mode mode;
	uint8_t percent; /* of the callers it is in force for; a shadow for the others: rollout.h */
	uint32_t number; /* of all in the set */
};

struct authz_expression;
struct authz_learn;

struct authz_rule {
	const struct authz_policy *policy;
	struct sv pointer; /* into the policy set: "/policies/3/rules/0" */
	const struct authz_operation *to;
	size_t n_to;                  /* 0: any operation */
	struct authz_conditions when; /* not about the user: authz_condition_about_user() */
	const struct authz_conditions *from;
	size_t n_from; /* 0: any source */
	struct authz_conditions when_user;
	const struct authz_stepup *stepup; /* NULL: however they signed in */
	/* related in `when`, then the `condition`: each has to hold. NULL: none */
	struct authz_expression *expressions;
	const struct authz_learn *learn; /* of an ALLOW rule; NULL: nothing */
	bool uses_captures;
};

/* The condition that kept a rule from matching, the nearest of all so far when kept across rules. */
struct authz_miss {
	const struct authz_rule *rule; /* NULL: none yet */
	struct sv condition;
	struct sv value;
	struct sv expected;
	struct sv route;   /* path pattern that had matched; empty when none */
	unsigned progress; /* what had held before it; more is nearer */
	bool wants_user;   /* some rule failed only for want of a user */
	/* some rule failed only for want of this; the first that did. NULL: none */
	const struct authz_stepup *stepup;
};

/* authz_rule_captures - does every path of the rule bind the name? */
bool authz_rule_captures(const struct authz_rule *rule, struct sv name);

/* authz_rule_holds - does the rule match?
 *
 * out     *route: the path pattern that matched, when true and there is one; *miss is brought up to
 *         date when false
 */
bool authz_rule_holds(const struct authz_rule *rule, const struct authz_view *view,
                      struct sv *route, struct authz_miss *miss);

/* authz_rule_telling - the condition to show for a rule that held, with its value in the view. */
void authz_rule_telling(const struct authz_rule *rule, const struct authz_view *view,
                        struct sv *ret_condition, struct sv *ret_value, struct sv *ret_expected);

/* ---- part by part, by the very functions that judge the whole: for explanations (trace.h) ---- */

/* One rule with the captures of one path. */
struct authz_rule_at {
	const struct authz_rule *rule;
	const struct authz_view *view;
	const struct authz_captures *captures; /* NULL: no path was matched */
};

bool authz_rule_at_condition(const struct authz_rule_at *at, const struct authz_condition *c);
/* authz_rule_at_caller - all but `to`. */
bool authz_rule_at_caller(const struct authz_rule_at *at);
bool authz_rule_at_stepup(const struct authz_rule_at *at);
/* authz_rule_at_expression - out: *ret_why as of authz_expression_evaluate(); *ret_failed: an error, which grants
 * nothing */
bool authz_rule_at_expression(const struct authz_rule_at *at, const struct authz_expression *e,
                              struct sv *ret_why, bool *ret_failed);

#endif
