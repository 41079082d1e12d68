/* API keys from what is kept to what workers look up: made, rotated, revoked, published; and what becomes of a table
 * that cannot be made. */
#include "authn/apikeys.h"
#include "core/secret.h"
#include "policy/apikeys.h"
#include "policy/tables.h"
#include "state/apikeys.h"
#include "state/pepper.h"
#include "state/state.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define NOW INT64_C(1764000000000000)

struct desk {
	char dir[64];
	struct policy_tables_env env;
	struct policy_tables *tables;
	struct policy_tables_view view;
};

static void open_tables(struct desk *desk)
{
	const char *failed;
	assert_int_equal(
		policy_tables_new(&desk->env, policy_table_sources, &desk->tables, &failed), 0);
}

static int set_up(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	char path[80];
	(void)snprintf(desk->dir, sizeof(desk->dir), "/tmp/haward-tables-XXXXXX");
	assert_non_null(mkdtemp(desk->dir));
	(void)snprintf(path, sizeof(path), "%s/state", desk->dir);
	desk->env.data_dir = desk->dir;
	assert_int_equal(state_open(path, &desk->env.state), 0);
	open_tables(desk);
	*state = desk;
	return 0;
}

static void remove_file(const struct desk *desk, const char *name)
{
	char path[96];
	(void)snprintf(path, sizeof(path), "%s/%s", desk->dir, name);
	(void)remove(path);
}

static int tear_down(void **state)
{
	struct desk *desk = *state;
	policy_tables_leave(&desk->view);
	policy_tables_free(desk->tables);
	state_close(desk->env.state);
	remove_file(desk, "state/data.mdb");
	remove_file(desk, "state/lock.mdb");
	remove_file(desk, "state");
	remove_file(desk, PEPPER_FILE);
	remove_file(desk, "");
	free(desk);
	return 0;
}

static void create(struct desk *desk, const char *owner, char text[APIKEY_TEXT_BYTES])
{
	struct state_apikey kept,
		wish = {.owner = sv_of(owner), .created_us = NOW, .scopes = SVL("a\nb")};
	assert_int_equal(policy_apikey_create(&desk->env, &wish, text, &kept), 0);
	assert_true(sv_eq(kept.owner, sv_of(owner)));
	state_apikey_fini(&kept);
}

static const struct apikeys *look(struct desk *desk)
{
	policy_tables_look(desk->tables, &desk->view);
	return apikeys_of(desk->view.at[POLICY_TABLE_APIKEYS]);
}

/* The key of this text as a worker finds it; false: no such key, or another secret. */
static bool find(struct desk *desk, const char *text, struct apikey *ret)
{
	const struct apikeys *table = look(desk);
	uint8_t mac[SHA256_BYTES];
	struct sv id;
	assert_non_null(table);
	assert_true(apikey_text_id(sv_of(text), &id));
	apikeys_place place = apikeys_find(table, id);
	if (place == APIKEYS_NONE)
		return false;
	apikeys_at(table, place, ret);
	assert_true(apikey_text_mac(apikeys_pepper(table), sv_of(text), mac));
	return secret_equal(ret->mac, (struct sv){(const char *)mac, sizeof(mac)});
}

static bool poll_for_change(struct desk *desk)
{
	bool changed;
	assert_int_equal(policy_tables_poll(desk->tables, &changed), 0);
	return changed;
}

static void an_act_is_in_force_after_a_poll(void **state)
{
	struct desk *desk = *state;
	char text[APIKEY_TEXT_BYTES], next_text[APIKEY_TEXT_BYTES];
	struct apikey key;
	struct state_apikey next;
	assert_int_equal(apikeys_count(look(desk)), 0);
	create(desk, "anna", text);
	assert_false(find(desk, text, &key));
	assert_true(poll_for_change(desk));
	assert_true(find(desk, text, &key));
	assert_true(sv_eq(key.owner, SVL("anna")) && sv_eq(key.scopes, SVL("a\nb")));
	assert_true(!key.is_revoked && key.ends_s == 0);

	const struct state_apikey_rotation how = {
		.by = SV("otto"), .now_us = NOW + 1, .old_end_us = NOW + 1999999};
	assert_int_equal(policy_apikey_rotate(&desk->env, key.id, &how, next_text, &next), 0);
	assert_true(poll_for_change(desk));
	assert_true(find(desk, next_text, &key));
	assert_true(sv_eq(key.owner, SVL("anna")) && key.ends_s == 0);
	assert_true(find(desk, text, &key));
	assert_int_equal(key.ends_s, NOW / 1000000 + 1); /* never later than was said */

	assert_int_equal(state_apikey_revoke(desk->env.state, next.id, SVL("otto"), NOW + 2), 0);
	assert_true(poll_for_change(desk));
	assert_true(find(desk, next_text, &key));
	assert_true(key.is_revoked);
	state_apikey_fini(&next);
}

static void nothing_is_built_when_nothing_changed(void **state)
{
	struct desk *desk = *state;
	char text[APIKEY_TEXT_BYTES];
	const struct apikeys *table = look(desk);
	assert_false(poll_for_change(desk));
	assert_ptr_equal(look(desk), table);
	create(desk, "anna", text);
	assert_true(poll_for_change(desk));
	table = look(desk);
	/* what changed is something else */
	struct state_apikey_use use = {.day = 3};
	struct apikey key;
	assert_true(find(desk, text, &key));
	memcpy(use.id, key.id.at, sizeof(use.id));
	assert_int_equal(state_apikeys_used(desk->env.state, &use, 1), 0);
	assert_false(poll_for_change(desk));
	assert_ptr_equal(look(desk), table);
}

static void uses_outlive_the_table_and_are_noted(void **state)
{
	struct desk *desk = *state;
	char text[APIKEY_TEXT_BYTES], other[APIKEY_TEXT_BYTES];
	struct apikey key;
	struct state_apikey kept;
	create(desk, "anna", text);
	assert_true(poll_for_change(desk));
	assert_true(find(desk, text, &key));
	apikeys_mark_used(look(desk), apikeys_find(look(desk), key.id), 42);
	create(desk, "emil", other);
	assert_true(poll_for_change(desk));
	assert_true(find(desk, text, &key));
	assert_int_equal(key.used_day, 42);
	assert_int_equal(policy_apikeys_note_used(&desk->env, desk->view.at[POLICY_TABLE_APIKEYS]),
	                 0);
	assert_int_equal(state_apikey_get(desk->env.state, key.id, &kept), 0);
	assert_int_equal(kept.used_day, 42);
	state_apikey_fini(&kept);
	assert_int_equal(apikeys_unnoted_day(look(desk), apikeys_find(look(desk), key.id)), 0);
	assert_int_equal(policy_apikeys_note_used(&desk->env, NULL), 0);
}

static void a_wish_that_cannot_be_kept_makes_no_key(void **state)
{
	struct desk *desk = *state;
	char text[APIKEY_TEXT_BYTES];
	struct state_apikey kept, wish = {.created_us = NOW};
	assert_int_equal(policy_apikey_create(&desk->env, &wish, text, &kept), -EINVAL);
	assert_false(poll_for_change(desk));
}

/* Without its pepper no key can be checked: the table is taken away, and comes back with it. */
static void a_table_that_cannot_be_made_is_gone(void **state)
{
	struct desk *desk = *state;
	char text[APIKEY_TEXT_BYTES], from[96], to[96];
	struct apikey key;
	bool changed;
	const char *failed;
	struct policy_tables *none = NULL;
	create(desk, "anna", text);
	assert_true(poll_for_change(desk));
	assert_true(find(desk, text, &key));
	struct state_apikey_use use = {.day = 3};
	memcpy(use.id, key.id.at, sizeof(use.id));
	(void)snprintf(from, sizeof(from), "%s/" PEPPER_FILE, desk->dir);
	(void)snprintf(to, sizeof(to), "%s/away", desk->dir);
	assert_int_equal(rename(from, to), 0);
	assert_int_equal(state_apikey_revoke(desk->env.state, key.id, SVL("x"), NOW), 0);
	assert_int_equal(policy_tables_poll(desk->tables, &changed), -ENOKEY);
	assert_true(changed);
	assert_null(look(desk));
	assert_int_equal(policy_tables_poll(desk->tables, &changed), -ENOKEY);
	assert_false(changed);
	assert_int_equal(policy_tables_new(&desk->env, policy_table_sources, &none, &failed),
	                 -ENOKEY);
	assert_string_equal(failed, "api keys");
	assert_non_null(policy_apikey_error_text(-ENOKEY));
	assert_null(policy_apikey_error_text(0));
	assert_int_equal(rename(to, from), 0);
	assert_true(poll_for_change(desk));
	assert_true(find(desk, text, &key));
}

/* ---- threads ---- */

enum { N_READERS = 3, N_KEYS = 40 };

struct reading {
	struct policy_tables *tables;
	atomic_bool stop;
};

/* A worker's loop: keys only become more, and each is whole. */
static void *read_on(void *arg)
{
	struct reading *r = arg;
	struct policy_tables_view view = {0};
	size_t last = 0;
	bool good = true;
	while (good && !atomic_load(&r->stop)) {
		policy_tables_look(r->tables, &view);
		const struct apikeys *table = apikeys_of(view.at[POLICY_TABLE_APIKEYS]);
		size_t n = apikeys_count(table);
		for (size_t i = 0; i < n; i++) {
			struct apikey key;
			apikeys_at(table, (apikeys_place)i, &key);
			good = good && apikeys_find(table, key.id) == (apikeys_place)i &&
			       sv_eq(key.owner, SVL("anna"));
			apikeys_mark_used(table, (apikeys_place)i, 1 + (int64_t)(n & 1));
		}
		good = good && n >= last;
		last = n;
	}
	policy_tables_leave(&view);
	return good ? NULL : (void *)1;
}

static void *poll_on(void *arg)
{
	struct reading *r = arg;
	bool changed;
	while (!atomic_load(&r->stop))
		if (policy_tables_poll(r->tables, &changed) != 0)
			return (void *)1;
	return NULL;
}

static void workers_see_whole_tables_while_keys_are_made(void **state)
{
	struct desk *desk = *state;
	struct reading r = {.tables = desk->tables};
	pthread_t threads[N_READERS + 1];
	for (size_t i = 0; i < ARRAY_LEN(threads); i++)
		assert_int_equal(
			pthread_create(&threads[i], NULL, i < N_READERS ? read_on : poll_on, &r),
			0);
	for (size_t i = 0; i < N_KEYS; i++) {
		char text[APIKEY_TEXT_BYTES];
		struct apikey key;
		create(desk, "anna", text);
		(void)poll_for_change(desk); /* by us or by the other */
		assert_true(find(desk, text, &key));
		assert_int_equal(
			policy_apikeys_note_used(&desk->env, desk->view.at[POLICY_TABLE_APIKEYS]),
			0);
	}
	atomic_store(&r.stop, true);
	for (size_t i = 0; i < ARRAY_LEN(threads); i++) {
		void *failed = NULL;
		assert_int_equal(pthread_join(threads[i], &failed), 0);
		assert_null(failed);
	}
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, set_up, tear_down)
	const struct CMUnitTest tests[] = {
		TEST(an_act_is_in_force_after_a_poll),
		TEST(nothing_is_built_when_nothing_changed),
		TEST(uses_outlive_the_table_and_are_noted),
		TEST(a_wish_that_cannot_be_kept_makes_no_key),
		TEST(a_table_that_cannot_be_made_is_gone),
		TEST(workers_see_whole_tables_while_keys_are_made),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
