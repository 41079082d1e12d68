/* Sessions of browsers: kept sealed, found by the digest of their id alone, ended by any of their names. */
#include "core/seal.h"
#include "state/logins.h"
#include "temp.h"

#include <errno.h>
#include <string.h>

enum { NOW = 1764000000, HOUR = 3600 };

static struct seal_ring ring;

static int set_up(void **state)
{
	struct seal_key key = {.made_at_s = NOW};
	memset(key.bytes, 7, sizeof(key.bytes));
	ring = (struct seal_ring){0};
	seal_ring_add(&ring, 1, &key);
	return temp_setup(state);
}

static struct state_login login_of(uint8_t number, const char *subject, const char *sid)
{
	struct state_login login = {.ends_at = NOW + HOUR,
	                            .issuer = SV("https://idp"),
	                            .subject = sv_of(subject),
	                            .sid = sv_of(sid),
	                            .text = SV("{\"canary\":1}")};
	memset(login.digest, number, sizeof(login.digest));
	return login;
}

static int add(struct temp *temp, const struct state_login *login, uint8_t once)
{
	struct state_login_once used = {.until_s = NOW + 600};
	memset(used.digest, once, sizeof(used.digest));
	return state_login_add(temp->state, &ring, login, &used, NOW);
}

static int get_at(struct temp *temp, uint8_t number, int64_t now_s)
{
	uint8_t digest[SHA256_BYTES];
	struct state_login_found found;
	memset(digest, number, sizeof(digest));
	int r = state_login_get(temp->state, &ring, digest, now_s, &found);
	if (r == 0)
		state_login_found_fini(&found);
	return r;
}

static void one_is_found_until_it_ends(void **state)
{
	struct temp *temp = *state;
	struct state_login login = login_of(1, "alice", "s1");
	struct state_login_found found;
	assert_int_equal(add(temp, &login, 1), 0);
	assert_int_equal(state_login_get(temp->state, &ring, login.digest, NOW, &found), 0);
	assert_string_equal(found.text, "{\"canary\":1}");
	assert_int_equal(found.ends_at, NOW + HOUR);
	state_login_found_fini(&found);
	assert_int_equal(get_at(temp, 1, NOW + HOUR - 1), 0);
	assert_int_equal(get_at(temp, 1, NOW + HOUR), -ENOENT);
	assert_int_equal(get_at(temp, 2, NOW), -ENOENT);
}

static void what_was_used_up_starts_nothing(void **state)
{
	struct temp *temp = *state;
	struct state_login first = login_of(1, "alice", ""), second = login_of(2, "alice", "");
	assert_int_equal(add(temp, &first, 1), 0);
	assert_int_equal(add(temp, &second, 1), -EEXIST);
	assert_int_equal(get_at(temp, 2, NOW), -ENOENT);
	assert_int_equal(add(temp, &second, 2), 0);
}

static void the_text_is_not_on_the_disk(void **state)
{
	struct temp *temp = *state;
	struct state_login login = login_of(1, "alice", "s1");
	char path[96], block[4096];
	assert_int_equal(add(temp, &login, 1), 0);
	(void)snprintf(path, sizeof(path), "%s/data.mdb", temp->dir);
	FILE *file = fopen(path, "rb");
	assert_non_null(file);
	for (size_t n; (n = fread(block, 1, sizeof(block), file)) > 0;) {
		assert_null(memmem(block, n, "canary", 6));
		assert_null(memmem(block, n, "alice", 5));
	}
	(void)fclose(file);
}

static void without_its_key_it_does_not_open(void **state)
{
	struct temp *temp = *state;
	struct state_login login = login_of(1, "alice", "s1");
	struct seal_ring other = {0};
	struct seal_key key = {.made_at_s = NOW, .bytes = "another"};
	struct state_login_found found;
	seal_ring_add(&other, 1, &key);
	assert_int_equal(add(temp, &login, 1), 0);
	assert_int_equal(state_login_get(temp->state, &other, login.digest, NOW, &found), -EBADMSG);
}

static void an_update_keeps_the_names_and_revives_nothing(void **state)
{
	struct temp *temp = *state;
	struct state_login login = login_of(1, "alice", "s1");
	struct state_login_names sid = {.issuer = SV("https://idp"), .sid = SV("s1")};
	struct state_login_ended ended;
	struct state_login_found found;
	assert_int_equal(add(temp, &login, 1), 0);
	login.text = SVL("{\"canary\":2}");
	login.ends_at = NOW + 2 * HOUR;
	login.subject = login.sid = SVL("");
	assert_int_equal(state_login_update(temp->state, &ring, &login), 0);
	assert_int_equal(state_login_get(temp->state, &ring, login.digest, NOW + HOUR, &found), 0);
	assert_string_equal(found.text, "{\"canary\":2}");
	state_login_found_fini(&found);
	assert_int_equal(state_login_end_named(temp->state, &sid, NULL, &ended), 0);
	assert_int_equal(ended.n, 1);
	assert_int_equal(state_login_update(temp->state, &ring, &login), -ENOENT);
	assert_int_equal(get_at(temp, 1, NOW), -ENOENT);
}

static void those_of_a_name_end_together_and_no_others(void **state)
{
	struct temp *temp = *state;
	static const struct {
		const char *subject, *sid;
	} who[] = {{"alice", "s1"}, {"alice", "s2"}, {"bob", "s3"}, {"bob", ""}, {"carol", "s4"}};
	static const struct {
		struct state_login_names names;
		size_t n;
	} cases[] = {
		{{SV("https://idp"), SV("nobody"), SV("")}, 0},
		{{SV("https://other"), SV("alice"), SV("")}, 0},
		{{SV("https://idp"), SV("carol"), SV("s1")}, 0},
		{{SV("https://idp"), SV("alice"), SV("s1")}, 1},
		{{SV("https://idp"), SV("alice"), SV("")}, 1},
		{{SV("https://idp"), SV("bob"), SV("")}, 2},
		{{SV("https://idp"), SV(""), SV("s4")}, 1},
	};
	struct state_login_ended ended;
	for (uint8_t i = 0; i < ARRAY_LEN(who); i++) {
		struct state_login login = login_of(i, who[i].subject, who[i].sid);
		assert_int_equal(add(temp, &login, i), 0);
	}
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		assert_int_equal(state_login_end_named(temp->state, &cases[i].names, NULL, &ended),
		                 0);
		assert_int_equal(ended.n, cases[i].n);
		for (size_t k = 0; k < ended.n; k++)
			assert_int_equal(get_at(temp, ended.digests[k][0], NOW), -ENOENT);
	}
	const struct state_login_names nobody = {.issuer = SV("https://idp")};
	assert_int_equal(state_login_end_named(temp->state, &nobody, NULL, &ended), -EINVAL);
}

static void an_order_to_end_counts_once(void **state)
{
	struct temp *temp = *state;
	const struct state_login_names alice = {.issuer = SV("https://idp"),
	                                        .subject = SV("alice")};
	const struct state_login_once once = {.digest = "jti", .until_s = NOW + 600};
	struct state_login login = login_of(1, "alice", "");
	struct state_login_ended ended;
	assert_int_equal(state_login_end_named(temp->state, &alice, &once, &ended), 0);
	assert_int_equal(ended.n, 0);
	assert_int_equal(add(temp, &login, 1), 0);
	assert_int_equal(state_login_end_named(temp->state, &alice, &once, &ended), -EEXIST);
	assert_int_equal(get_at(temp, 1, NOW), 0);
	assert_int_equal(state_login_end(temp->state, login.digest), 0);
	assert_int_equal(state_login_end(temp->state, login.digest), 0);
	assert_int_equal(get_at(temp, 1, NOW), -ENOENT);
}

static void a_subject_has_so_many_at_most(void **state)
{
	struct temp *temp = *state;
	for (uint8_t i = 0; i < LOGINS_PER_SUBJECT + 2; i++) {
		struct state_login login = login_of(i, "alice", "");
		login.ends_at += (i * 7) % 100; /* 0 ends first, then 57, 43, 29, 15 */
		assert_int_equal(add(temp, &login, i), 0);
	}
	unsigned n = 0;
	for (uint8_t i = 0; i < LOGINS_PER_SUBJECT + 2; i++)
		n += get_at(temp, i, NOW) == 0;
	assert_int_equal(n, LOGINS_PER_SUBJECT);
	assert_int_equal(get_at(temp, 0, NOW), -ENOENT);
	assert_int_equal(get_at(temp, LOGINS_PER_SUBJECT + 1, NOW), 0);
}

static void those_that_ended_are_removed_as_others_come(void **state)
{
	struct temp *temp = *state;
	struct state_login old = login_of(200, "alice", "s1");
	struct state_login_once once = {.digest = {99}, .until_s = NOW + 1};
	struct state_login_names sid = {.issuer = SV("https://idp"), .sid = SV("s1")};
	struct state_login_ended ended;
	old.ends_at = NOW + 10;
	assert_int_equal(state_login_add(temp->state, &ring, &old, &once, NOW), 0);
	struct state_login fresh =
		login_of(100, "bob", ""); /* its digest stands before the old one */
	struct state_login_once other = {.digest = {98}, .until_s = NOW + 600};
	assert_int_equal(state_login_add(temp->state, &ring, &fresh, &other, NOW + 20), 0);
	assert_int_equal(get_at(temp, 200, NOW), -ENOENT);
	assert_int_equal(state_login_end_named(temp->state, &sid, NULL, &ended), 0);
	assert_int_equal(ended.n, 0);
	assert_int_equal(add(temp, &old, 1), 0);
}

static void what_is_asked_for_by_name_is_shown_and_stays(void **state)
{
	struct temp *temp = *state;
	struct state_login first = login_of(1, "alice", "s1"), second = login_of(2, "alice", "s2");
	struct state_login_names names = {.issuer = SV("https://idp"), .sid = SV("s2")};
	struct state_login_ended found = {0};
	assert_int_equal(add(temp, &first, 1), 0);
	assert_int_equal(add(temp, &second, 2), 0);
	assert_int_equal(state_login_named(temp->state, &names, &found), 0);
	assert_int_equal(found.n, 1);
	assert_memory_equal(found.digests[0], second.digest, SHA256_BYTES);
	assert_int_equal(get_at(temp, 2, NOW), 0);
	names.issuer = SVL("https://other");
	assert_int_equal(state_login_named(temp->state, &names, &found), 0);
	assert_int_equal(found.n, 0);
	names = (struct state_login_names){.issuer = SV("https://idp"), .subject = SV("alice")};
	assert_int_equal(state_login_named(temp->state, &names, &found), 0);
	assert_int_equal(found.n, 2);
	names.subject = SVL("");
	assert_int_equal(state_login_named(temp->state, &names, &found), -EINVAL);
}

static void what_was_refused_is_used_up_as_well(void **state)
{
	struct temp *temp = *state;
	const struct state_login_once once = {.digest = {5}, .until_s = NOW + 600};
	assert_int_equal(state_login_used(temp->state, once.digest), 0);
	assert_int_equal(state_login_use_up(temp->state, &once, NOW), 0);
	assert_int_equal(state_login_used(temp->state, once.digest), -EEXIST);
	assert_int_equal(state_login_use_up(temp->state, &once, NOW), 0);
	struct state_login login = login_of(1, "alice", "");
	assert_int_equal(state_login_add(temp->state, &ring, &login, &once, NOW), -EEXIST);
}

/* Digests that a walk met, in their order. */
struct met {
	uint8_t first[8];
	size_t n, stop_at; /* 0: never */
};

static int meet(void *user, const uint8_t digest[SHA256_BYTES],
                const struct state_login_found *found)
{
	struct met *met = user;
	assert_string_equal(found->text, "{\"canary\":1}");
	assert_true(met->n < sizeof(met->first));
	met->first[met->n++] = digest[0];
	return met->n == met->stop_at;
}

static void a_walk_meets_each_once_in_as_many_parts_as_it_takes(void **state)
{
	struct temp *temp = *state;
	for (uint8_t i = 1; i <= 6; i++) {
		struct state_login login = login_of(i, "alice", "");
		login.ends_at = i == 4 ? NOW + 1 : NOW + HOUR;
		assert_int_equal(add(temp, &login, i), 0);
	}
	static const struct {
		size_t n_max, stop_at;
	} ways[] = {{100, 0}, {1, 0}, {2, 0}, {5, 0}, {6, 0}, {100, 1}, {100, 2}, {100, 5}};
	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		uint8_t from[SHA256_BYTES] = {0};
		struct met all = {0};
		bool more = true;
		for (int turns = 0; more && turns < 10; turns++) {
			struct met met = {.stop_at = ways[i].stop_at};
			const struct state_login_walk walk = {.ring = &ring,
			                                      .now_s = NOW + 1,
			                                      .n_max = ways[i].n_max,
			                                      .visit = meet,
			                                      .user = &met};
			assert_int_equal(state_login_each(temp->state, &walk, from, &more), 0);
			memcpy(all.first + all.n, met.first, met.n);
			all.n += met.n;
		}
		assert_false(more);
		assert_int_equal(all.n, 5);
		assert_memory_equal(all.first, ((const uint8_t[]){1, 2, 3, 5, 6}), 5);
	}
}

static void what_is_too_long_is_refused(void **state)
{
	struct temp *temp = *state;
	struct state_login login = login_of(1, "alice", "");
	char *text = calloc(1, LOGIN_TEXT_MAX_BYTES + 1);
	assert_non_null(text);
	login.text = (struct sv){text, LOGIN_TEXT_MAX_BYTES + 1};
	assert_int_equal(add(temp, &login, 1), -E2BIG);
	login.text.n--;
	assert_int_equal(add(temp, &login, 1), 0);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define EACH(name) cmocka_unit_test_setup_teardown(name, set_up, temp_teardown)
		EACH(one_is_found_until_it_ends),
		EACH(what_was_used_up_starts_nothing),
		EACH(the_text_is_not_on_the_disk),
		EACH(without_its_key_it_does_not_open),
		EACH(an_update_keeps_the_names_and_revives_nothing),
		EACH(those_of_a_name_end_together_and_no_others),
		EACH(an_order_to_end_counts_once),
		EACH(a_subject_has_so_many_at_most),
		EACH(those_that_ended_are_removed_as_others_come),
		EACH(what_is_asked_for_by_name_is_shown_and_stays),
		EACH(what_was_refused_is_used_up_as_well),
		EACH(a_walk_meets_each_once_in_as_many_parts_as_it_takes),
		EACH(what_is_too_long_is_refused),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
