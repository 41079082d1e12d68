#ifndef ADMIN_ASK_H
#define ADMIN_ASK_H

#include "audit/query.h"
#include "core/macros.h"

#include <stdbool.h>

struct call;

/* The question of GET /decisions and of the exports: q, from, to, order, limit, cursor. */
struct ask {
	struct audit_query_options options;
	struct audit_query *query; /* after ask_open() */
};

/* ask_sees_people - may the caller see who asked, and acts of admins? */
bool ask_sees_people(const struct call *call);

/* ask_read - the parameters, and what the caller may not see; ask_open - and open the query. False: the reply is set. */
MUST_CHECK bool ask_read(struct call *call, struct ask *ret);
MUST_CHECK bool ask_open(struct call *call, struct ask *ask);

/* ask_allowed - may the caller ask the open query? Filters on people and addresses are for auditors, and are an act of
 * theirs, recorded before the answer; its further pages are the same act. False: the reply is set. */
MUST_CHECK bool ask_allowed(struct call *call, const struct ask *ask, const char *action);

/* ask_refused - turn a refusal of audit_query_open() or audit_export_open() into the reply. */
void ask_refused(struct call *call, int r, const struct audit_query_error *error);

/* For CLEANUP. */
void ask_close(struct ask *ask);

#endif
