#include "state/draft.h"
#include "state/versions.h"
#include "temp.h"

#include <errno.h>
#include <string.h>

#define NOW INT64_C(1764000000000000)

static struct state_version said(const char *author, const char *message)
{
	struct state_version version = {.at_us = NOW};
	snprintf(version.author, sizeof(version.author), "%s", author);
	snprintf(version.message, sizeof(version.message), "%s", message);
	return version;
}

static void versions_are_numbered_and_never_change(void **state)
{
	struct temp *temp = *state;
	struct state_version first = said("alice", "first");
	struct state_version stored;
	struct state_version back = {0};
	assert_int_equal(state_version_get(temp->state, 0, &back), -ENOENT);
	assert_int_equal(state_version_add(temp->state, 0, &first, SVL("{}"), &stored), 0);
	assert_int_equal(stored.number, 1);
	assert_string_equal(stored.digest,
	                    "44136fa355b3678a1146ad16f7e8649e94fb4fc21fe77e8310c060f61caaff8a");

	struct state_version second = said("bob", "second");
	assert_int_equal(state_version_add(temp->state, 0, &second, SVL("{ }"), &stored), -ESTALE);
	assert_int_equal(state_version_add(temp->state, 2, &second, SVL("{ }"), &stored), -ESTALE);
	assert_int_equal(state_version_add(temp->state, 1, &second, SVL("{ }"), &stored), 0);

	assert_int_equal(state_version_get(temp->state, 1, &back), 0);
	assert_string_equal(back.text, "{}");
	assert_string_equal(back.author, "alice");
	state_version_fini(&back);
	assert_int_equal(state_version_get(temp->state, 0, &back), 0);
	assert_int_equal(back.number, 2);
	assert_string_equal(back.text, "{ }");
	state_version_fini(&back);
	assert_int_equal(state_version_get(temp->state, 3, &back), -ENOENT);
}

static void what_cannot_be_kept_is_refused(void **state)
{
	struct temp *temp = *state;
	struct state_version stored;
	struct state_version good = said("alice", "x");
	struct state_version nobody = said("", "x");
	struct state_version silent = said("alice", "");
	assert_int_equal(state_version_add(temp->state, 0, &nobody, SVL("{}"), &stored), -EINVAL);
	assert_int_equal(state_version_add(temp->state, 0, &silent, SVL("{}"), &stored), -EINVAL);
	assert_int_equal(state_version_add(temp->state, 0, &good, SVL(""), &stored), -EINVAL);
	assert_int_equal(state_version_add(temp->state, 0, &good, SVL("{\0}"), &stored), -EINVAL);
	assert_int_equal(state_version_add(temp->state, 0, &good, SVL("\xff"), &stored), -EINVAL);
	assert_int_equal(state_version_current(temp->state, &stored), -ENOENT);
}

struct seen {
	uint64_t numbers[8];
	size_t n;
};

static int see(void *user, const struct state_version *version)
{
	struct seen *seen = user;
	assert_null(version->text);
	seen->numbers[seen->n++] = version->number;
	return 0;
}

static void history_is_listed_newest_first_in_pages(void **state)
{
	struct temp *temp = *state;
	struct state_version version = said("alice", "x");
	struct state_version stored;
	for (uint64_t i = 0; i < 5; i++)
		assert_int_equal(state_version_add(temp->state, i, &version, SVL("{}"), &stored),
		                 0);
	static const struct {
		uint64_t before;
		size_t limit;
		uint64_t first;
		size_t n;
	} cases[] = {{0, 8, 5, 5}, {0, 2, 5, 2}, {4, 2, 3, 2},
	             {2, 8, 1, 1}, {1, 8, 0, 0}, {99, 1, 5, 1}};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct seen seen = {0};
		assert_int_equal(state_version_list(temp->state, cases[i].before, cases[i].limit,
		                                    see, &seen),
		                 0);
		assert_int_equal(seen.n, cases[i].n);
		assert_int_equal(seen.numbers[0], cases[i].first);
	}
}

static struct state_draft draft_by(const char *author)
{
	struct state_draft draft = {.base_version = 3, .at_us = NOW};
	snprintf(draft.author, sizeof(draft.author), "%s", author);
	return draft;
}

static void a_draft_is_saved_only_over_what_was_seen(void **state)
{
	struct temp *temp = *state;
	struct state_draft alice = draft_by("alice");
	struct state_draft bob = draft_by("bob");
	struct state_draft back = {0};
	uint64_t revision = 0;
	assert_int_equal(state_draft_get(temp->state, &back), -ENOENT);
	assert_int_equal(state_draft_put(temp->state, 7, &alice, SVL("a"), &revision), -ESTALE);
	assert_int_equal(state_draft_put(temp->state, 0, &alice, SVL("a"), &revision), 0);
	assert_int_equal(state_draft_put(temp->state, 0, &bob, SVL("b"), NULL), -ESTALE);
	assert_int_equal(
		state_draft_put(temp->state, revision, &bob, SVL("not { valid"), &revision), 0);
	assert_int_equal(state_draft_get(temp->state, &back), 0);
	assert_string_equal(back.text, "not { valid");
	assert_string_equal(back.author, "bob");
	assert_int_equal(back.base_version, 3);
	state_draft_fini(&back);
	assert_int_equal(state_draft_put(temp->state, revision, &bob, SVL("\xff"), NULL), -EINVAL);
}

static void no_revision_comes_twice(void **state)
{
	struct temp *temp = *state;
	struct state_draft draft = draft_by("alice");
	uint64_t one = 0;
	uint64_t two = 0;
	assert_int_equal(state_draft_put(temp->state, 0, &draft, SVL("a"), &one), 0);
	assert_int_equal(state_draft_remove(temp->state, one + 1), -ESTALE);
	assert_int_equal(state_draft_remove(temp->state, one), 0);
	assert_int_equal(state_draft_remove(temp->state, one), -ENOENT);
	assert_int_equal(state_draft_put(temp->state, 0, &draft, SVL("a"), &two), 0);
	assert_true(two > one);
}

static void the_mask_key_stays(void **state)
{
	struct temp *temp = *state;
	uint8_t key[STATE_MASK_KEY_BYTES];
	static const uint8_t zero[STATE_MASK_KEY_BYTES];
	memcpy(key, state_mask_key(temp->state), sizeof(key));
	assert_memory_not_equal(key, zero, sizeof(key));
	state_close(temp->state);
	assert_int_equal(state_open(temp->dir, &temp->state), 0);
	assert_memory_equal(key, state_mask_key(temp->state), sizeof(key));
}

static void a_file_that_is_no_state_is_refused(void **state)
{
	struct temp *temp = *state;
	char path[96];
	state_close(temp->state);
	temp->state = NULL;
	snprintf(path, sizeof(path), "%s/data.mdb", temp->dir);
	FILE *file = fopen(path, "w");
	for (int i = 0; i < 9000; i++)
		fputc(i % 251, file);
	fclose(file);
	assert_int_equal(state_open(temp->dir, &temp->state), -EBADMSG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(versions_are_numbered_and_never_change, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_kept_is_refused, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test_setup_teardown(history_is_listed_newest_first_in_pages, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test_setup_teardown(a_draft_is_saved_only_over_what_was_seen,
	                                        temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(no_revision_comes_twice, temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(the_mask_key_stays, temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(a_file_that_is_no_state_is_refused, temp_setup,
	                                        temp_teardown),
	};
	return cmocka_run_group_tests_name("state/policies", tests, NULL, NULL);
}
