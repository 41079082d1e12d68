#include "authn/apikeytext.h"
#include "cli/cli.h"
#include "core/fileio.h"
#include "state/apikeys.h"
#include "state/state.h"
#include "support/cmocka_prelude.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

/* A data directory of its own, and a file that stands for the terminal. */
struct desk {
	char dir[64];
	char output[96];
};

static int setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	(void)snprintf(desk->dir, sizeof(desk->dir), "/tmp/haward-key-XXXXXX");
	assert_non_null(mkdtemp(desk->dir));
	(void)snprintf(desk->output, sizeof(desk->output), "%s/output", desk->dir);
	*state = desk;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static int teardown(void **state)
{
	struct desk *desk = *state;
	(void)nftw(desk->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(desk);
	return 0;
}

/* Runs `key WORDS --data DIR`; what it wrote to standard output is in output, terminated. */
static int run(const struct desk *desk, char output[static 2048], const char *const *words)
{
	static char name[] = "key";
	char *argv[24] = {name}, *text = NULL;
	int argc = 1;
	size_t n;
	for (; *words; words++)
		argv[argc++] = strdup(*words);
	argv[argc++] = strdup("--data");
	argv[argc++] = strdup(desk->dir);
	(void)fflush(stdout);
	int before = dup(STDOUT_FILENO);
	FILE *file = fopen(desk->output, "w");
	assert_non_null(file);
	assert_true(dup2(fileno(file), STDOUT_FILENO) >= 0);
	int r = cli_key(argc, argv);
	(void)fflush(stdout);
	assert_true(dup2(before, STDOUT_FILENO) >= 0);
	(void)close(before);
	(void)fclose(file);
	assert_int_equal(file_read(desk->output, 2047, &text, &n), 0);
	memcpy(output, text, n + 1);
	free(text);
	while (argc > 1)
		free(argv[--argc]);
	return r;
}
#define RUN(desk, output, ...) run(desk, output, (const char *const[]){__VA_ARGS__, NULL})

/* The id of the one key that was written out. */
static void take_id(char output[static 2048], char id[static APIKEY_ID_CHARS + 1])
{
	struct sv text = sv_of(output), found;
	assert_true(text.n > 0 && text.at[text.n - 1] == '\n');
	text.n--;
	assert_true(apikey_text_id(text, &found) && apikey_text_check(text));
	memcpy(id, found.at, APIKEY_ID_CHARS);
	id[APIKEY_ID_CHARS] = '\0';
}

static void keys_are_made_rotated_and_revoked(void **state)
{
	const struct desk *desk = *state;
	char output[2048], id[APIKEY_ID_CHARS + 1], next[APIKEY_ID_CHARS + 1];
	assert_int_equal(RUN(desk, output, "create", "--owner", "anna", "--client", "batch",
	                     "--scope", "a", "--scope", "b", "--group", "all hands", "--network",
	                     "10.0.0.0/8", "--service", "orders", "--expires", "90d"),
	                 EXIT_SUCCESS);
	take_id(output, id);
	assert_int_equal(RUN(desk, output, "show", id), EXIT_SUCCESS);
	assert_non_null(strstr(output, "owner        anna\n"));
	assert_non_null(strstr(output, "scopes       a\n             b\n"));
	assert_non_null(strstr(output, "groups       all hands\n"));
	assert_non_null(strstr(output, "state        active\n"));
	assert_int_equal(RUN(desk, output, "rotate", id, "--overlap", "7d"), EXIT_SUCCESS);
	take_id(output, next);
	assert_int_equal(RUN(desk, output, "rotate", id), EXIT_FAILURE);
	assert_int_equal(RUN(desk, output, "list"), EXIT_SUCCESS);
	assert_non_null(strstr(output, "ending"));
	assert_non_null(strstr(output, "never      never      anna / batch"));
	assert_int_equal(RUN(desk, output, "revoke", id), EXIT_SUCCESS);
	assert_int_equal(RUN(desk, output, "revoke", id), EXIT_SUCCESS);
	assert_int_equal(RUN(desk, output, "show", id), EXIT_SUCCESS);
	assert_non_null(strstr(output, "state        revoked\n"));
	assert_non_null(strstr(output, "rotated to   "));
}

static void what_is_not_understood_makes_no_key(void **state)
{
	const struct desk *desk = *state;
	char output[2048];
	assert_int_equal(RUN(desk, output, "create"), EX_USAGE);
	assert_int_equal(RUN(desk, output, "create", "extra", "--owner", "a"), EX_USAGE);
	assert_int_equal(RUN(desk, output, "create", "--owner", ""), EX_USAGE);
	assert_int_equal(RUN(desk, output, "create", "--owner", "a", "--scope", "a b"), EX_USAGE);
	assert_int_equal(RUN(desk, output, "create", "--owner", "a", "--network", "x"), EX_USAGE);
	assert_int_equal(RUN(desk, output, "create", "--owner", "a", "--expires", "soon"),
	                 EX_USAGE);
	assert_int_equal(RUN(desk, output, "create", "--owner", "a", "--expires", "2020-01-01"),
	                 EX_USAGE);
	assert_int_equal(RUN(desk, output, "dance"), EX_USAGE);
	assert_int_equal(RUN(desk, output, "show"), EX_USAGE);
	assert_int_equal(RUN(desk, output, "show", "0123456789ABCDEF"), EXIT_FAILURE);
	assert_int_equal(RUN(desk, output, "revoke", "0123456789ABCDEF"), EXIT_FAILURE);
	assert_int_equal(RUN(desk, output, "rotate", "0123456789ABCDEF", "--overlap", "long"),
	                 EX_USAGE);
	assert_int_equal(RUN(desk, output, "rotate", "0123456789ABCDEF"), EXIT_FAILURE);
	assert_int_equal(RUN(desk, output, "list"), EXIT_SUCCESS);
	assert_string_equal(output, "");
}

/* Without its pepper no key is made: what would be kept of it could never be checked. */
static void a_lost_pepper_is_an_error(void **state)
{
	const struct desk *desk = *state;
	char output[2048], path[96];
	assert_int_equal(RUN(desk, output, "create", "--owner", "anna"), EXIT_SUCCESS);
	(void)snprintf(path, sizeof(path), "%s/api-keys.pepper", desk->dir);
	assert_int_equal(remove(path), 0);
	assert_int_equal(RUN(desk, output, "create", "--owner", "anna"), EXIT_FAILURE);
	assert_string_equal(output, "");
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		TEST(keys_are_made_rotated_and_revoked),
		TEST(what_is_not_understood_makes_no_key),
		TEST(a_lost_pepper_is_an_error),
	};
	return cmocka_run_group_tests_name("cli/key", tests, NULL, NULL);
}
