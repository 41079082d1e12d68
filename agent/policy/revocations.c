#include "policy/revocations.h"

#include "authn/revocations.h"
#include "state/revocations.h"

#include <errno.h>

/* Those that another process adds between counting and reading. */
enum { SPARE = 1024, TRIES = 3 };

static int add(void *user, const struct state_revocation *r)
{
	return revocations_add(user, &r->what);
}

static int build(const struct state *state, struct shared **ret)
{
	struct revocations *table = NULL;
	size_t n = 0;
	int r = state_revocation_count(state, &n);
	if (r == 0)
		r = revocations_new(n + SPARE, &table);
	if (r == 0)
		r = state_revocation_list(state, 0, SIZE_MAX, add, table);
	if (r == 0)
		*ret = revocations_shared(table);
	else
		revocations_unref(table);
	return r;
}

int policy_revocations_build(const struct policy_tables_env *env, const struct shared *before,
                             struct shared **ret)
{
	int r = -ENOSPC;
	(void)before;
	for (unsigned i = 0; r == -ENOSPC && i < TRIES; i++)
		r = build(env->state, ret);
	return r;
}
