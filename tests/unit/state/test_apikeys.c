#include "state/apikey_record.h"
#include "state/apikeys.h"
#include "state/pepper.h"
#include "state/state.h"
#include "temp.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#define NOW INT64_C(1764000000000000)
#define DAY INT64_C(86400000000)

static const char mac[APIKEY_MAC_BYTES + 1] = "0123456789abcdef0123456789abcdef";

static struct state_apikey key_of(const char *id, int64_t created_us)
{
	return (struct state_apikey){.id = sv_of(id),
	                             .mac = {mac, APIKEY_MAC_BYTES},
	                             .owner = SV("anna"),
	                             .client = SV("batch"),
	                             .note = SV("night run"),
	                             .groups = SV("staff\nall hands"),
	                             .scopes = SV("orders:read"),
	                             .services = SV("orders"),
	                             .networks = SV("10.0.0.0/8\n2001:db8::1"),
	                             .created_by = SV("root"),
	                             .created_us = created_us};
}

static void add(struct state *state, const char *id, int64_t created_us)
{
	struct state_apikey key = key_of(id, created_us);
	assert_int_equal(state_apikey_add(state, &key), 0);
}

static void same_texts(const struct state_apikey *a, const struct state_apikey *b)
{
	assert_true(sv_eq(a->mac, b->mac) && sv_eq(a->owner, b->owner));
	assert_true(sv_eq(a->client, b->client) && sv_eq(a->note, b->note));
	assert_true(sv_eq(a->groups, b->groups) && sv_eq(a->scopes, b->scopes));
	assert_true(sv_eq(a->services, b->services) && sv_eq(a->networks, b->networks));
}

static void a_key_is_disabled_and_enabled(void **state)
{
	struct temp *temp = *state;
	const struct sv id = SV("0123456789ABCDEF");
	struct state_apikey back;
	add(temp->state, "0123456789ABCDEF", NOW);
	assert_int_equal(state_apikey_switch(temp->state, id, true, SVL("ops"), NOW + 1), 0);
	assert_int_equal(state_apikey_switch(temp->state, id, true, SVL("else"), NOW + 2), 0);
	assert_int_equal(state_apikey_get(temp->state, id, &back), 0);
	assert_string_equal(state_apikey_state(&back, NOW), "disabled");
	assert_int_equal(back.disabled_us, NOW + 1);
	assert_true(sv_eq(back.disabled_by, SVL("ops")));
	state_apikey_fini(&back);
	assert_int_equal(state_apikey_switch(temp->state, id, false, SVL("ops"), NOW + 3), 0);
	assert_int_equal(state_apikey_get(temp->state, id, &back), 0);
	assert_string_equal(state_apikey_state(&back, NOW), "active");
	assert_int_equal(back.disabled_us, 0);
	state_apikey_fini(&back);
	assert_int_equal(state_apikey_revoke(temp->state, id, SVL("ops"), NOW + 4), 0);
	assert_int_equal(state_apikey_switch(temp->state, id, true, SVL("ops"), NOW + 5),
	                 -EKEYREVOKED);
	assert_int_equal(
		state_apikey_switch(temp->state, SVL("0123456789ABCDE0"), true, SVL("ops"), NOW),
		-ENOENT);
}

/* What was written before there was a word for it: without the fifth number and the last text. */
static void a_record_of_before_is_read(void **state)
{
	(void)state;
	struct state_apikey key = key_of("0123456789ABCDEF", NOW), back;
	const size_t number_at = 1 + APIKEY_MAC_BYTES + 4 * sizeof(int64_t);
	size_t n = 0;
	char *record = apikey_encode(&key, &n);
	assert_non_null(record);
	assert_int_equal(apikey_decode(key.id, (struct sv){record, n}, &back), 0);
	same_texts(&key, &back);
	record[0] = 1;
	assert_int_equal(apikey_decode(key.id, (struct sv){record, n}, &back), -EBADMSG);
	n -= sizeof(int64_t) + sizeof(uint16_t);
	memmove(record + number_at, record + number_at + sizeof(int64_t), n - number_at);
	assert_int_equal(apikey_decode(key.id, (struct sv){record, n}, &back), 0);
	same_texts(&key, &back);
	assert_int_equal(back.disabled_us, 0);
	assert_int_equal(back.disabled_by.n, 0);
	free(record);
}

static void a_key_comes_back(void **state)
{
	struct temp *temp = *state;
	struct state_apikey key = key_of("0123456789ABCDEF", NOW), back;
	key.expires_us = NOW + DAY;
	assert_int_equal(state_apikey_add(temp->state, &key), 0);
	assert_int_equal(state_apikey_add(temp->state, &key), -EEXIST);
	assert_int_equal(state_apikey_get(temp->state, key.id, &back), 0);
	same_texts(&key, &back);
	assert_true(sv_eq(back.id, key.id) && sv_eq(back.created_by, key.created_by));
	assert_int_equal(back.created_us, NOW);
	assert_int_equal(back.expires_us, NOW + DAY);
	assert_int_equal(back.revoked_us + back.used_day, 0);
	state_apikey_fini(&back);
	assert_int_equal(state_apikey_get(temp->state, SVL("0123456789ABCDEf"), &back), -ENOENT);
	assert_int_equal(state_apikey_get(temp->state, SVL("0123"), &back), -ENOENT);
}

static void what_may_not_be_kept_is_named(void **state)
{
	struct temp *temp = *state;
	static char long_text[APIKEY_TEXT_MAX_BYTES + 1];
	memset(long_text, 'x', sizeof(long_text));
	const struct {
		size_t offset;
		struct sv value;
		const char *begins;
	} cases[] = {
		{offsetof(struct state_apikey, owner), SV(""), "owner:"},
		{offsetof(struct state_apikey, owner), SV("a\nb"), "owner:"},
		{offsetof(struct state_apikey, owner), SV("\xff"), "owner:"},
		{offsetof(struct state_apikey, owner), {long_text, sizeof(long_text)}, "owner:"},
		{offsetof(struct state_apikey, client), SV("a\tb"), "client:"},
		{offsetof(struct state_apikey, note), SV("a\x7f"), "note:"},
		{offsetof(struct state_apikey, groups), SV("a\n"), "groups:"},
		{offsetof(struct state_apikey, groups), SV("\n"), "groups:"},
		{offsetof(struct state_apikey, scopes), SV("a b"), "scopes:"},
		{offsetof(struct state_apikey, services), SV("a\n\nb"), "services:"},
		{offsetof(struct state_apikey, networks), SV("10.0.0.1/8"), "networks:"},
		{offsetof(struct state_apikey, networks), SV("home"), "networks:"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct state_apikey key = key_of("0123456789ABCDEF", NOW);
		assert_null(state_apikey_fault(&key));
		memcpy((char *)&key + cases[i].offset, &cases[i].value, sizeof(struct sv));
		const char *fault = state_apikey_fault(&key);
		assert_non_null(fault);
		assert_true(sv_starts(sv_of(fault), sv_of(cases[i].begins)));
		assert_int_equal(state_apikey_add(temp->state, &key), -EINVAL);
	}
	struct state_apikey key = key_of("0123456789ABCDEF", NOW);
	key.expires_us = NOW;
	assert_int_equal(state_apikey_add(temp->state, &key), -EINVAL);
}

/* ---- lists ---- */

struct seen {
	size_t n, max;
	char ids[8][APIKEY_ID_CHARS + 1];
};

static int see(void *user, const struct state_apikey *key)
{
	struct seen *seen = user;
	if (seen->n == seen->max)
		return 1;
	memcpy(seen->ids[seen->n++], key->id.at, APIKEY_ID_CHARS);
	return 0;
}

static void lists_go_from_the_newest_on_in_pages(void **state)
{
	struct temp *temp = *state;
	add(temp->state, "BBBBBBBBBBBBBBBB", NOW + 1);
	add(temp->state, "AAAAAAAAAAAAAAAA", NOW + 2);
	add(temp->state, "DDDDDDDDDDDDDDDD", NOW);
	add(temp->state, "CCCCCCCCCCCCCCCC", NOW);
	struct seen seen = {.max = 8};
	assert_int_equal(state_apikey_list(temp->state, (struct sv){0}, see, &seen), 0);
	assert_int_equal(seen.n, 4);
	static const char *const order[] = {"AAAAAAAAAAAAAAAA", "BBBBBBBBBBBBBBBB",
	                                    "DDDDDDDDDDDDDDDD", "CCCCCCCCCCCCCCCC"};
	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		assert_string_equal(seen.ids[i], order[i]);
	seen = (struct seen){.max = 1};
	assert_int_equal(state_apikey_list(temp->state, sv_of(order[1]), see, &seen), 1);
	assert_string_equal(seen.ids[0], order[2]);
	seen = (struct seen){.max = 8};
	assert_int_equal(state_apikey_list(temp->state, sv_of(order[3]), see, &seen), 0);
	assert_int_equal(seen.n, 0);
	assert_int_equal(state_apikey_list(temp->state, SVL("EEEEEEEEEEEEEEEE"), see, &seen),
	                 -ENOENT);
}

static int count_all(void *user, size_t n)
{
	((struct seen *)user)->max = n;
	return 0;
}

static void a_walk_says_how_many_first(void **state)
{
	struct temp *temp = *state;
	struct seen seen = {0};
	const struct state_apikey_walk walk = {count_all, see, &seen};
	assert_int_equal(state_apikey_each(temp->state, &walk), 0);
	assert_int_equal(seen.n, 0);
	add(temp->state, "BBBBBBBBBBBBBBBB", NOW);
	add(temp->state, "AAAAAAAAAAAAAAAA", NOW);
	assert_int_equal(state_apikey_each(temp->state, &walk), 0);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.max, 2);
}

/* ---- changes ---- */

static void rotation_ends_the_old_and_keeps_what_it_stood_for(void **state)
{
	struct temp *temp = *state;
	struct state_apikey old = key_of("AAAAAAAAAAAAAAAA", NOW), next, back;
	static const char other[APIKEY_MAC_BYTES + 1] = "fedcba9876543210fedcba9876543210";
	struct state_apikey_rotation how = {.id = SV("BBBBBBBBBBBBBBBB"),
	                                    .mac = {other, APIKEY_MAC_BYTES},
	                                    .by = SV("otto"),
	                                    .now_us = NOW + 5,
	                                    .old_end_us = NOW + DAY};
	assert_int_equal(state_apikey_add(temp->state, &old), 0);
	assert_int_equal(state_apikey_rotate(temp->state, SVL("ZZZZZZZZZZZZZZZZ"), &how, &next),
	                 -ENOENT);
	assert_int_equal(state_apikey_rotate(temp->state, old.id, &how, &next), 0);
	assert_true(sv_eq(next.mac, how.mac) && sv_eq(next.rotated_from, old.id));
	old.mac = how.mac;
	same_texts(&next, &old);
	assert_true(sv_eq(next.created_by, SVL("otto")));
	assert_int_equal(next.expires_us, 0);
	state_apikey_fini(&next);
	assert_int_equal(state_apikey_get(temp->state, old.id, &back), 0);
	assert_int_equal(back.expires_us, NOW + DAY);
	assert_true(sv_eq(back.rotated_to, how.id));
	state_apikey_fini(&back);
	how.id = SVL("CCCCCCCCCCCCCCCC");
	assert_int_equal(state_apikey_rotate(temp->state, old.id, &how, &next), -EALREADY);
	assert_int_equal(
		state_apikey_revoke(temp->state, SVL("BBBBBBBBBBBBBBBB"), SVL("otto"), NOW + 9), 0);
	assert_int_equal(state_apikey_rotate(temp->state, SVL("BBBBBBBBBBBBBBBB"), &how, &next),
	                 -EKEYREVOKED);
}

static void an_end_that_is_nearer_stays(void **state)
{
	struct temp *temp = *state;
	struct state_apikey old = key_of("AAAAAAAAAAAAAAAA", NOW), next, back;
	struct state_apikey_rotation how = {.id = SV("BBBBBBBBBBBBBBBB"),
	                                    .mac = {mac, APIKEY_MAC_BYTES},
	                                    .by = SV("otto"),
	                                    .now_us = NOW + 1,
	                                    .old_end_us = NOW + DAY};
	old.expires_us = NOW + 10;
	assert_int_equal(state_apikey_add(temp->state, &old), 0);
	how.now_us = NOW + 10;
	assert_int_equal(state_apikey_rotate(temp->state, old.id, &how, &next), -EKEYEXPIRED);
	how.now_us = NOW + 9;
	assert_int_equal(state_apikey_rotate(temp->state, old.id, &how, &next), 0);
	state_apikey_fini(&next);
	assert_int_equal(state_apikey_get(temp->state, old.id, &back), 0);
	assert_int_equal(back.expires_us, NOW + 10);
	state_apikey_fini(&back);
}

static void revoking_is_once_and_for_all(void **state)
{
	struct temp *temp = *state;
	struct state_apikey back;
	add(temp->state, "AAAAAAAAAAAAAAAA", NOW);
	assert_int_equal(state_apikey_revoke(temp->state, SVL("BBBBBBBBBBBBBBBB"), SVL("x"), NOW),
	                 -ENOENT);
	assert_int_equal(
		state_apikey_revoke(temp->state, SVL("AAAAAAAAAAAAAAAA"), SVL("otto"), NOW + 1), 0);
	assert_int_equal(
		state_apikey_revoke(temp->state, SVL("AAAAAAAAAAAAAAAA"), SVL("emil"), NOW + 2), 0);
	assert_int_equal(state_apikey_get(temp->state, SVL("AAAAAAAAAAAAAAAA"), &back), 0);
	assert_int_equal(back.revoked_us, NOW + 1);
	assert_true(sv_eq(back.revoked_by, SVL("otto")));
	state_apikey_fini(&back);
}

static uint64_t revision(struct state *state)
{
	uint64_t number = 0;
	assert_int_equal(state_revision(state, APIKEY_REVISION, &number), 0);
	return number;
}

static void changes_are_seen_and_uses_are_none(void **state)
{
	struct temp *temp = *state;
	struct state_apikey back;
	uint64_t change = state_last_change(temp->state);
	assert_int_equal(revision(temp->state), 0);
	add(temp->state, "AAAAAAAAAAAAAAAA", NOW);
	assert_int_equal(revision(temp->state), 1);
	assert_true(state_last_change(temp->state) != change);
	change = state_last_change(temp->state);
	assert_int_equal(state_apikey_revoke(temp->state, SVL("AAAAAAAAAAAAAAAA"), SVL("x"), NOW),
	                 0);
	assert_int_equal(revision(temp->state), 2);
	assert_true(state_last_change(temp->state) != change);
	struct state_apikey_use uses[] = {{.day = 9}, {.day = 9}};
	memcpy(uses[0].id, "AAAAAAAAAAAAAAAA", APIKEY_ID_CHARS);
	memcpy(uses[1].id, "ZZZZZZZZZZZZZZZZ", APIKEY_ID_CHARS);
	assert_int_equal(state_apikeys_used(temp->state, uses, 2), 0);
	uses[0].day = 8;
	assert_int_equal(state_apikeys_used(temp->state, uses, 1), 0);
	assert_int_equal(revision(temp->state), 2);
	assert_int_equal(state_apikey_get(temp->state, SVL("AAAAAAAAAAAAAAAA"), &back), 0);
	assert_int_equal(back.used_day, 9);
	state_apikey_fini(&back);
}

/* ---- the pepper ---- */

static void write_file(const char *path, const void *bytes, size_t n)
{
	FILE *file = fopen(path, "w");
	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, n, file), n);
	assert_int_equal(fclose(file), 0);
}

static void the_pepper_is_made_once_and_held_to_its_records(void **state)
{
	struct temp *temp = *state;
	char path[96];
	uint8_t one[PEPPER_BYTES], two[PEPPER_BYTES];
	struct stat file;
	(void)snprintf(path, sizeof(path), "%s/" PEPPER_FILE, temp->dir);
	assert_int_equal(state_pepper_read(temp->state, path, one), -ENODATA);
	assert_int_equal(state_pepper_make(temp->state, path, one), 0);
	assert_int_equal(state_pepper_make(temp->state, path, two), 0);
	assert_memory_equal(one, two, PEPPER_BYTES);
	assert_int_equal(state_pepper_read(temp->state, path, two), 0);
	assert_memory_equal(one, two, PEPPER_BYTES);
	assert_int_equal(stat(path, &file), 0);
	assert_int_equal(file.st_mode & 0777, 0600);

	two[0] ^= 1;
	write_file(path, two, sizeof(two));
	assert_int_equal(state_pepper_read(temp->state, path, two), -EKEYREJECTED);
	assert_int_equal(state_pepper_make(temp->state, path, two), -EKEYREJECTED);
	write_file(path, "short", 5);
	assert_int_equal(state_pepper_make(temp->state, path, two), -EBADMSG);
	temp_remove(temp->dir, PEPPER_FILE);
	assert_int_equal(state_pepper_read(temp->state, path, two), -ENOKEY);
	assert_int_equal(state_pepper_make(temp->state, path, two), -ENOKEY);
	write_file(path, one, sizeof(one));
	assert_int_equal(state_pepper_read(temp->state, path, two), 0);
	temp_remove(temp->dir, PEPPER_FILE);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, temp_setup, temp_teardown)
	const struct CMUnitTest tests[] = {
		TEST(a_key_is_disabled_and_enabled),
		TEST(a_record_of_before_is_read),
		TEST(a_key_comes_back),
		TEST(what_may_not_be_kept_is_named),
		TEST(lists_go_from_the_newest_on_in_pages),
		TEST(a_walk_says_how_many_first),
		TEST(rotation_ends_the_old_and_keeps_what_it_stood_for),
		TEST(an_end_that_is_nearer_stays),
		TEST(revoking_is_once_and_for_all),
		TEST(changes_are_seen_and_uses_are_none),
		TEST(the_pepper_is_made_once_and_held_to_its_records),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
