#include "policy/relations.h"

#include "authz/relation_tuples.h"
#include "core/fileio.h"
#include "state/relations.h"
#include "state/state.h"

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>

struct relations {
	struct shared shared;
	struct relations *base; /* one reference: what the tuples lie over; NULL: nothing */
	uint64_t revision;      /* that the tuples are at least as new as; of a base */
	struct relation_tuples *tuples;
};

static void relations_free(struct shared *shared)
{
	struct relations *relations = (struct relations *)shared;
	relation_tuples_free(relations->tuples);
	if (relations->base)
		shared_unref(&relations->base->shared);
	free(relations);
}

/* in: base: NULL, or gets one more reference */
static int relations_new(struct relations *base, struct relations **ret)
{
	struct relations *relations = calloc(1, sizeof(*relations));
	if (!relations)
		return -ENOMEM;
	shared_init(&relations->shared, relations_free);
	relations->tuples = base ? relation_tuples_over(base->tuples) : relation_tuples_new();
	if (!relations->tuples) {
		shared_unref(&relations->shared);
		return -ENOMEM;
	}
	if (base)
		(void)shared_ref(&base->shared);
	relations->base = base;
	*ret = relations;
	return 0;
}

static bool make(const struct state_relation *r, struct relation_tuple *ret)
{
	const char *why;
	size_t at;
	return relation_tuple_make(r->object, r->relation, r->subject, ret, &why, &at);
}

static int add(void *user, const struct state_relation *r)
{
	struct relation_tuple tuple;
	return make(r, &tuple) ? relation_tuples_add(user, &tuple) : -EBADMSG;
}

static int change(void *user, const struct state_relation_change *c)
{
	struct relation_tuple tuple;
	if (!make(&c->relation, &tuple))
		return -EBADMSG;
	return c->is_added ? relation_tuples_add(user, &tuple)
	                   : relation_tuples_remove(user, &tuple);
}

/* All of them. The revision is read first: a change made meanwhile is then told once more by the next build. */
static int build_whole(const struct policy_tables_env *env, struct relations **ret)
{
	const struct state_relation_filter all = {0};
	uint64_t revision = 0;
	int r = state_revision(env->state, RELATION_REVISION, &revision);
	if (r == 0)
		r = relations_new(NULL, ret);
	if (r != 0)
		return r;
	(*ret)->revision = revision;
	return state_relations_list(env->state, &all, add, (*ret)->tuples);
}

/* What is different since the base was made. */
static int build_over(const struct policy_tables_env *env, struct relations *base,
                      struct relations **ret)
{
	int r = relations_new(base, ret);
	return r == 0 ? state_relations_changes(env->state, base->revision, change, (*ret)->tuples)
	              : r;
}

static void drop(struct relations **relations)
{
	if (*relations)
		shared_unref(&(*relations)->shared);
	*relations = NULL;
}

int policy_relations_build(const struct policy_tables_env *env, const struct shared *before,
                           struct shared **ret)
{
	CLEANUP(drop) struct relations *fresh = NULL;
	/* the reference that keeps it is counted; nothing else of it is written */
	struct relations *base = (struct relations *)(uintptr_t)before;
	if (base && base->base)
		base = base->base;
	int r = base ? build_over(env, base, &fresh) : -ESTALE;
	if (r == -ESTALE) {
		drop(&fresh);
		r = build_whole(env, &fresh);
	}
	if (r != 0)
		return r;
	relation_tuples_seal(fresh->tuples);
	*ret = &TAKE(fresh)->shared;
	return 0;
}

const struct relation_tuples *policy_relations_of(const struct policy_tables_view *view)
{
	const struct relations *relations =
		view ? (const struct relations *)view->at[POLICY_TABLE_RELATIONS] : NULL;
	return relations ? relations->tuples : NULL;
}
