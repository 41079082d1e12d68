/* What is edited while the agent runs, as immutable tables that workers look things up in.
 *
 * LMDB in state/ is the truth, which the command line may change too. Each table is built from it off to the side and
 * published whole; a worker looks at one relaxed atomic a table once a turn. A table that cannot be built is taken
 * away rather than left to age: a key that was revoked must not go on for want of memory.
 */
#ifndef POLICY_TABLES_H
#define POLICY_TABLES_H

#include "core/macros.h"
#include "core/slot.h"

#include <stdbool.h>

struct policy_tables;
struct state;

enum policy_table {
	POLICY_TABLE_APIKEYS,     /* authn/apikeys.h */
	POLICY_TABLE_RELATIONS,   /* relations.h */
	POLICY_TABLE_REVOCATIONS, /* authn/revocations.h */
	POLICY_TABLE_SIGNING,     /* authn/mintkeys.h */
	POLICY_TABLE_USERS,       /* users.h */
	POLICY_TABLE_COUNT,
};

/* What tables are built from; borrowed. */
struct policy_tables_env {
	struct state *state;
	const char *data_dir;
	const char *token_issuer; /* iss of internal tokens; NULL: none are made */
};

/* How one table is made. */
struct policy_table_source {
	const char *name;     /* for people */
	const char *revision; /* state_revision() of what it is made from */
	/* build - in: before: what was in force, or NULL. out: *ret, one reference. errors: 0 or -errno */
	int (*build)(const struct policy_tables_env *env, const struct shared *before,
	             struct shared **ret);
};

/* The sources of this program, one a policy_table. */
extern const struct policy_table_source policy_table_sources[POLICY_TABLE_COUNT];

/* policy_tables_new - all tables, built and in force.
 *
 * in      env, sources: borrowed; sources: one a policy_table
 * out     *ret, owned, freed with policy_tables_free() after the last worker stopped; set only on 0. *ret_failed: the
 *         name of the table that could not be built; NULL: memory is out
 * errors  0 or -errno
 */
MUST_CHECK int policy_tables_new(const struct policy_tables_env *env,
                                 const struct policy_table_source *sources,
                                 struct policy_tables **ret, const char **ret_failed);
void policy_tables_free(struct policy_tables *tables);

/* policy_tables_refresh - builds again what state_revision() says was changed; returns when it is in force.
 *
 * out     *ret_changed: something else is in force than before, also on errors: wake the workers
 * errors  0 or -errno: a table was taken away, and is tried again with the next call
 * thread  any; one at a time, others wait
 */
MUST_CHECK int policy_tables_refresh(struct policy_tables *tables, bool *ret_changed);

/* policy_tables_poll - the same, if anything in state/ changed since the last call: cheap otherwise. */
MUST_CHECK int policy_tables_poll(struct policy_tables *tables, bool *ret_changed);

/* policy_tables_get - a reference to what is in force; NULL: nothing. thread: any */
MUST_CHECK struct shared *policy_tables_get(struct policy_tables *tables, enum policy_table table);

/* One thread's own references. Zero is a good start. */
struct policy_tables_view {
	struct shared *at[POLICY_TABLE_COUNT];
};

/* policy_tables_look - brings the view up to date: one relaxed load a table when nothing changed. in: tables may be
 * NULL: then nothing is there */
void policy_tables_look(struct policy_tables *tables, struct policy_tables_view *view);

/* policy_tables_leave - gives the references back. */
void policy_tables_leave(struct policy_tables_view *view);

#endif
