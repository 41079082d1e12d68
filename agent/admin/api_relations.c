/* Relations: who is what to an object. They stand in bodies and queries: their ids may hold anything. */
#include "admin/acts.h"
#include "admin/call.h"
#include "admin/handlers.h"
#include "admin/input.h"
#include "admin/page.h"
#include "admin/reply.h"
#include "authz/authz.h"
#include "authz/relation_check.h"
#include "core/diag.h"
#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/strbuf.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "policy/relations.h"
#include "state/relations.h"
#include "state/versions.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { RELATIONS_A_CALL = 1000, TOLD_MAX_BYTES = 2000 };

static struct sv subject_text(const struct relation_ref *s)
{
	return s->relation.n ? (struct sv){s->text.at, s->text.n + 1 + s->relation.n} : s->text;
}

static bool read_tuple(struct sv text, struct state_relation *ret, const char **why)
{
	struct relation_tuple tuple;
	size_t at;
	if (!relation_tuple_parse(text, &tuple, why, &at))
		return false;
	*why = "it has more than 500 bytes";
	*ret = (struct state_relation){tuple.object.text, tuple.relation,
	                               subject_text(&tuple.subject)};
	return state_relation_bytes(ret) <= RELATION_TUPLE_MAX_BYTES;
}

/* ---- listing ---- */

struct visit {
	struct page page;
	char last[RELATION_TUPLE_MAX_BYTES + 1];
};

static int add_item(void *user, const struct state_relation *r)
{
	struct visit *visit = user;
	if (page_is_full(&visit->page))
		return 1;
	(void)snprintf(visit->last, sizeof(visit->last), "%.*s#%.*s@%.*s", SV_ARG(r->object),
	               SV_ARG(r->relation), SV_ARG(r->subject));
	return page_add(&visit->page,
	                json_pack("{s:o, s:o, s:o}", "object", json_sv(r->object), "relation",
	                          json_sv(r->relation), "subject", json_sv(r->subject)));
}

static struct sv query_text(const struct call *call, const char *name)
{
	const struct sv *text = target_param(&call->target, name);
	return text ? *text : (struct sv){0};
}

void relations_list(struct call *call)
{
	struct visit visit = {0};
	struct state_relation after;
	const char *why;
	struct state_relation_filter filter = {.object = query_text(call, "object"),
	                                       .relation = query_text(call, "relation"),
	                                       .subject = query_text(call, "subject")};
	if (!page_begin(call, &visit.page))
		return;
	if (visit.page.cursor.n > 0) {
		filter.after = &after;
		if (!read_tuple(visit.page.cursor, &after, &why)) {
			page_drop(&visit.page);
			reply_problem(call, PROBLEM_INVALID_CURSOR,
			              "There is no such place in the list.");
			return;
		}
	}
	int r = state_relations_list(call->admin->deps.state, &filter, add_item, &visit);
	if (r >= 0) {
		page_reply(call, &visit.page, sv_of(visit.last));
		return;
	}
	page_drop(&visit.page);
	reply_error(call, r, "the relations could not be read");
}

/* ---- changing ---- */

/* The body's relations; views of it. NULL: the reply is set. Owned by the caller. */
static struct state_relation *read_relations(struct call *call, size_t *ret_n)
{
	if (!call_input(call))
		return NULL;
	const json_t *list = json_object_get(call->input, "relations");
	size_t n = json_array_size(list);
	if (n == 0 || n > RELATIONS_A_CALL) {
		reply_problem(call, PROBLEM_VALIDATION,
		              "relations: a list of 1 to %d of them is expected.",
		              RELATIONS_A_CALL);
		return NULL;
	}
	struct state_relation *at = calloc(n, sizeof(*at));
	for (size_t i = 0; at && i < n; i++) {
		const char *why;
		if (read_tuple(json_string_sv(json_array_get(list, i)), &at[i], &why))
			continue;
		reply_problem(call, PROBLEM_VALIDATION, "relations/%zu: %s.", i, why);
		free(at);
		return NULL;
	}
	if (!at)
		reply_error(call, -ENOMEM, "the relations could not be read");
	*ret_n = n;
	return at;
}

/* As many as fit, and how many more there are. */
static void record(struct call *call, const char *action, const struct state_relation *at, size_t n,
                   size_t n_done)
{
	char target[64];
	struct strbuf text = strbuf_with(TOLD_MAX_BYTES + 1024);
	size_t i = 0;
	for (; i < n && strbuf_sv(&text).n < TOLD_MAX_BYTES - RELATION_TUPLE_MAX_BYTES; i++)
		strbuf_addf(&text, "%s%.*s#%.*s@%.*s", i ? " " : "", SV_ARG(at[i].object),
		            SV_ARG(at[i].relation), SV_ARG(at[i].subject));
	if (i < n)
		strbuf_addf(&text, " and %zu more", n - i);
	(void)snprintf(target, sizeof(target), "%zu of %zu relations", n_done, n);
	acts_record(call, &(struct act){.action = action,
	                                .target = sv_of(target),
	                                .result = "ok",
	                                .after = strbuf_sv(&text),
	                                .status = 200});
	strbuf_fini(&text);
}

typedef int change_all(struct state *state, const struct state_relation *at, size_t n,
                       size_t *ret_n);

/* In force for every worker when it returns. */
static void change(struct call *call, const char *action, change_all *all)
{
	size_t n = 0, n_done = 0;
	CLEANUP(freep) struct state_relation *at = read_relations(call, &n);
	if (!at || !acts_ready(call))
		return;
	int r = all(call->admin->deps.state, at, n, &n_done);
	if (r == -ENOSPC) {
		reply_problem(call, PROBLEM_CONFLICT, "There is no room for more relations.");
		return;
	}
	if (r != 0) {
		reply_error(call, r, "the relations could not be kept");
		return;
	}
	if (n_done > 0) {
		acts_in_force(call);
		record(call, action, at, n, n_done);
	}
	reply_json(call, 200, json_pack("{s:I}", "changed", (json_int_t)n_done));
}

void relations_write(struct call *call)
{
	change(call, "relation.write", state_relations_add);
}

void relations_delete(struct call *call)
{
	change(call, "relation.delete", state_relations_remove);
}

/* ---- checking ---- */

static bool input_ref(struct call *call, const char *name, struct relation_ref *ret)
{
	struct sv text;
	const char *why;
	size_t at;
	if (!input_text(call, name, true, &text))
		return false;
	if (relation_ref_parse(text, ret, &why, &at))
		return true;
	reply_problem(call, PROBLEM_VALIDATION, "%s: %s.", name, why);
	return false;
}

static void answer(struct call *call, const struct relation_question *q)
{
	const struct relation_type *type = relation_type_find(q->model, q->object.type);
	if (!type || !relation_def_find(type, q->relation)) {
		reply_problem(call, PROBLEM_VALIDATION,
		              type ? "relation: objects of this type have none such."
		                   : "object: the published policy set's types have none such.");
		return;
	}
	enum relation_answer found = relation_check(q);
	reply_json(call, 200,
	           json_pack("{s:b, s:s}", "allowed", found == RELATION_YES, "reason",
	                     found == RELATION_YES     ? "relations say so"
	                     : found == RELATION_LIMIT ? "it takes more than 25 steps, or 10000 "
	                                                 "relations: as good as no"
	                                               : "no relation says so"));
}

/* By what is in force now; keys are not asked for. */
static void check_with(struct call *call, struct sv text, struct relation_question *q)
{
	struct policy_tables_view view = {0};
	struct policy *policy = NULL;
	const struct policy_env offline = {.base_dir = call->admin->deps.policy_env->base_dir};
	struct diag diag = diag_over(NULL, text);
	int r = policy_load(text, &offline, 0, &diag, &policy);
	policy_tables_look(call->admin->deps.tables, &view);
	q->tuples = policy_relations_of(&view);
	if (r != 0) {
		reply_error(call, r, "the policy set could not be loaded");
	} else if (!q->tuples) {
		reply_problem(call, PROBLEM_UNAVAILABLE, "The relations are not in memory.");
	} else {
		q->model = authz_relations(policy_authz(policy));
		answer(call, q);
	}
	policy_tables_leave(&view);
	policy_unref(policy);
	diag_fini(&diag);
}

void relations_check(struct call *call)
{
	struct relation_question q = {0};
	struct state_version in_force = {0};
	if (!call_input(call) || !input_ref(call, "object", &q.object) ||
	    !input_text(call, "relation", true, &q.relation) ||
	    !input_ref(call, "subject", &q.subject))
		return;
	if (q.object.relation.n > 0 || sv_eq(q.object.id, SVL("*"))) {
		reply_problem(call, PROBLEM_VALIDATION,
		              "object: one thing is expected, as 'type:id'.");
		return;
	}
	int r = state_version_get(call->admin->deps.state, 0, &in_force);
	if (r == 0)
		check_with(call, sv_of(in_force.text), &q);
	else if (r == -ENOENT)
		reply_problem(call, PROBLEM_CONFLICT, "No policy set is published yet.");
	else
		reply_error(call, r, "the policy set could not be read");
	state_version_fini(&in_force);
}
