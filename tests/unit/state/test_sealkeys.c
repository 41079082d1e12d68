/* The file of keys: made once, read again, one key more a day, and nothing of it taken when it is not whole. */
#include "core/fileio.h"
#include "state/sealkeys.h"
#include "temp.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>

enum { NOW = 1764000000, DAY = SEAL_ROTATE_S };

static void path_of(const struct temp *temp, char path[static 96])
{
	(void)snprintf(path, 96, "%s/seal.keys", temp->dir);
}

static int remove_file(void **state)
{
	char path[96];
	path_of(*state, path);
	(void)unlink(path);
	return temp_teardown(state);
}

static void keys_are_there_again_after_a_start(void **state)
{
	char path[96];
	uint8_t box[4 + SEAL_OVERHEAD], text[4];
	struct stat st;
	struct seal_ring first = {0}, again = {0};
	path_of(*state, path);
	assert_int_equal(state_seal_keys_load(path, NOW, &first), 0);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_true(seal_close(&first, SVL("test"), SVL("text"), box));
	assert_int_equal(state_seal_keys_load(path, NOW + 10, &again), 0);
	assert_int_equal(atomic_load(&again.newest), 1);
	assert_true(seal_open(&again, SVL("test"), (struct sv){(char *)box, sizeof(box)}, text));
}

static void a_key_a_day_and_the_old_ones_are_forgotten(void **state)
{
	char path[96];
	struct seal_ring ring = {0}, again = {0};
	path_of(*state, path);
	assert_int_equal(state_seal_keys_load(path, NOW, &ring), 0);
	for (int day = 1; day < 100; day++) {
		int64_t now_s = NOW + (int64_t)day * DAY;
		assert_int_equal(state_seal_keys_rotate(path, now_s - 1, &ring), 0);
		assert_int_equal(atomic_load(&ring.newest), day);
		assert_int_equal(state_seal_keys_rotate(path, now_s, &ring), 0);
		assert_int_equal(atomic_load(&ring.newest), day + 1);
	}
	assert_int_equal(state_seal_keys_load(path, NOW + 99 * (int64_t)DAY, &again), 0);
	for (uint32_t number = 1; number <= 100; number++) {
		const struct seal_key *a = seal_ring_key(&ring, number);
		const struct seal_key *b = seal_ring_key(&again, number);
		assert_true(!a == !b);
		assert_true(!a == (number <= 100 - SEAL_KEPT));
		if (a && b)
			assert_memory_equal(a->bytes, b->bytes, SEAL_KEY_BYTES);
	}
}

static void what_is_not_whole_is_refused(void **state)
{
	char path[96], *text = NULL;
	size_t n;
	struct seal_ring ring = {0};
	path_of(*state, path);
	assert_int_equal(state_seal_keys_load(path, NOW, &ring), 0);
	assert_int_equal(file_read(path, 4096, &text, &n), 0);
	for (size_t cut = 0; cut < n; cut++) {
		struct seal_ring other = {0};
		assert_int_equal(file_replace(path, (struct sv){text, cut}, 0600), 0);
		assert_int_equal(state_seal_keys_load(path, NOW, &other), -EBADMSG);
		assert_int_equal(atomic_load(&other.newest), 0);
	}
	free(text);
}

static void where_it_cannot_be_written_the_ring_stays(void **state)
{
	char path[96];
	struct seal_ring ring = {0};
	path_of(*state, path);
	assert_int_equal(state_seal_keys_load(path, NOW, &ring), 0);
	assert_true(state_seal_keys_rotate("/nonexistent/seal.keys", NOW + DAY, &ring) < 0);
	assert_int_equal(atomic_load(&ring.newest), 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
#define EACH(name) cmocka_unit_test_setup_teardown(name, temp_setup, remove_file)
		EACH(keys_are_there_again_after_a_start),
		EACH(a_key_a_day_and_the_old_ones_are_forgotten),
		EACH(what_is_not_whole_is_refused),
		EACH(where_it_cannot_be_written_the_ring_stays),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
