#include "policy/users.h"

#include "core/fileio.h"
#include "state/state.h"
#include "state/users.h"

#include <errno.h>
#include <stdlib.h>

struct users {
	struct shared shared;
	uint64_t revision;
};

static void users_free(struct shared *shared)
{
	free(shared);
}

int policy_users_build(const struct policy_tables_env *env, const struct shared *before,
                       struct shared **ret)
{
	(void)before;
	CLEANUP(freep) struct users *users = calloc(1, sizeof(*users));
	int r = users ? state_revision(env->state, USER_REVISION, &users->revision) : -ENOMEM;
	if (r != 0)
		return r;
	shared_init(&users->shared, users_free);
	*ret = &TAKE(users)->shared;
	return 0;
}

uint64_t policy_users_revision(const struct policy_tables_view *view)
{
	if (!view)
		return 0;
	const struct users *users = (const struct users *)view->at[POLICY_TABLE_USERS];
	return users ? users->revision : UINT64_MAX;
}
