#include "policy/relations.h"

#include "authz/relation_tuples.h"
#include "core/fileio.h"
#include "state/relations.h"

#include <errno.h>
#include <stdlib.h>

struct relations {
	struct shared shared;
	struct relation_tuples *tuples;
};

static void relations_free(struct shared *shared)
{
	struct relations *relations = (struct relations *)shared;
	relation_tuples_free(relations->tuples);
	free(relations);
}

static int add(void *user, const struct state_relation *r)
{
	struct relation_tuple tuple;
	const char *why;
	size_t at;
	if (!relation_tuple_make(r->object, r->relation, r->subject, &tuple, &why, &at))
		return -EBADMSG;
	return relation_tuples_add(user, &tuple);
}

int policy_relations_build(const struct policy_tables_env *env, const struct shared *before,
                           struct shared **ret)
{
	(void)before;
	const struct state_relation_filter all = {0};
	struct relations *relations = calloc(1, sizeof(*relations));
	if (!relations)
		return -ENOMEM;
	shared_init(&relations->shared, relations_free);
	relations->tuples = relation_tuples_new();
	int r = relations->tuples ? 0 : -ENOMEM;
	if (r == 0)
		r = state_relations_list(env->state, &all, add, relations->tuples);
	if (r != 0) {
		shared_unref(&relations->shared);
		return r;
	}
	relation_tuples_seal(relations->tuples);
	*ret = &relations->shared;
	return 0;
}

const struct relation_tuples *policy_relations_of(const struct policy_tables_view *view)
{
	const struct relations *relations =
		view ? (const struct relations *)view->at[POLICY_TABLE_RELATIONS] : NULL;
	return relations ? relations->tuples : NULL;
}
