#include "policy/tables.h"

#include "policy/apikeys.h"
#include "policy/relations.h"
#include "policy/revocations.h"
#include "policy/signing.h"
#include "policy/users.h"
#include "state/apikeys.h"
#include "state/relations.h"
#include "state/revocations.h"
#include "state/signing.h"
#include "state/state.h"
#include "state/users.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdlib.h>

const struct policy_table_source policy_table_sources[] = {
	[POLICY_TABLE_APIKEYS] = {"api keys", APIKEY_REVISION, policy_apikeys_build},
	[POLICY_TABLE_RELATIONS] = {"relations", RELATION_REVISION, policy_relations_build},
	[POLICY_TABLE_REVOCATIONS] = {"revocations", REVOCATION_REVISION, policy_revocations_build},
	[POLICY_TABLE_SIGNING] = {"signing keys", SIGNING_REVISION, policy_signing_build},
	[POLICY_TABLE_USERS] = {"users", USER_REVISION, policy_users_build},
};
static_assert(ARRAY_LEN(policy_table_sources) == POLICY_TABLE_COUNT, "a source a table");

struct policy_tables {
	struct policy_tables_env env;
	const struct policy_table_source *sources;
	pthread_mutex_t building; /* guards all below but what slots guard themselves */
	struct slot *slots[POLICY_TABLE_COUNT];
	uint64_t revisions
		[POLICY_TABLE_COUNT]; /* that the tables in force were built from, at least */
	bool is_built[POLICY_TABLE_COUNT];
	atomic_uint_fast64_t
		seen_change; /* of state_last_change(), that all tables are as new as */
};

void policy_tables_free(struct policy_tables *tables)
{
	if (!tables)
		return;
	for (size_t i = 0; i < POLICY_TABLE_COUNT; i++)
		slot_free(tables->slots[i]);
	(void)pthread_mutex_destroy(&tables->building);
	free(tables);
}

static void freep_tables(struct policy_tables **tables)
{
	policy_tables_free(*tables);
}

/* One table, as new as its revision now. The revision is read first: what changes meanwhile is built twice, and
 * never missed. */
static int refresh_one(struct policy_tables *tables, size_t i, bool *ret_changed)
{
	const struct policy_table_source *source = &tables->sources[i];
	uint64_t revision = 0;
	int r = state_revision(tables->env.state, source->revision, &revision);
	if (r == 0 && tables->is_built[i] && tables->revisions[i] == revision)
		return 0;
	struct shared *before = slot_get(tables->slots[i]), *now = NULL;
	if (r == 0)
		r = source->build(&tables->env, before, &now);
	shared_unref(before);
	*ret_changed = *ret_changed || r == 0 || tables->is_built[i];
	tables->revisions[i] = revision;
	tables->is_built[i] = r == 0;
	slot_publish(tables->slots[i], now);
	return r;
}

static int refresh_all(struct policy_tables *tables, bool *ret_changed, const char **ret_failed)
{
	int result = 0;
	*ret_changed = false;
	(void)pthread_mutex_lock(&tables->building);
	uint64_t change = state_last_change(tables->env.state);
	for (size_t i = 0; i < POLICY_TABLE_COUNT; i++) {
		int r = refresh_one(tables, i, ret_changed);
		if (r == 0)
			continue;
		*ret_failed = tables->sources[i].name;
		result = r;
	}
	atomic_store_explicit(&tables->seen_change, result == 0 ? change : 0, memory_order_release);
	(void)pthread_mutex_unlock(&tables->building);
	return result;
}

int policy_tables_new(const struct policy_tables_env *env,
                      const struct policy_table_source *sources, struct policy_tables **ret,
                      const char **ret_failed)
{
	bool changed;
	struct policy_tables *fresh = calloc(1, sizeof(*fresh));
	*ret_failed = NULL;
	if (!fresh || pthread_mutex_init(&fresh->building, NULL) != 0) {
		free(fresh);
		return -ENOMEM;
	}
	CLEANUP(freep_tables) struct policy_tables *tables = fresh;
	tables->env = *env;
	tables->sources = sources;
	for (size_t i = 0; i < POLICY_TABLE_COUNT; i++) {
		tables->slots[i] = slot_new();
		if (!tables->slots[i])
			return -ENOMEM;
	}
	int r = refresh_all(tables, &changed, ret_failed);
	if (r == 0)
		*ret = TAKE(tables);
	return r;
}

int policy_tables_refresh(struct policy_tables *tables, bool *ret_changed)
{
	const char *failed;
	return refresh_all(tables, ret_changed, &failed);
}

int policy_tables_poll(struct policy_tables *tables, bool *ret_changed)
{
	uint64_t change = state_last_change(tables->env.state);
	*ret_changed = false;
	if (change != 0 &&
	    change == atomic_load_explicit(&tables->seen_change, memory_order_acquire))
		return 0;
	return policy_tables_refresh(tables, ret_changed);
}

struct shared *policy_tables_get(struct policy_tables *tables, enum policy_table table)
{
	return slot_get(tables->slots[table]);
}

void policy_tables_look(struct policy_tables *tables, struct policy_tables_view *view)
{
	for (size_t i = 0; tables && i < POLICY_TABLE_COUNT; i++)
		view->at[i] = slot_refresh(tables->slots[i], view->at[i]);
}

void policy_tables_leave(struct policy_tables_view *view)
{
	for (size_t i = 0; i < POLICY_TABLE_COUNT; i++)
		shared_unref(view->at[i]);
	*view = (struct policy_tables_view){0};
}
