#include "cli/cli.h"
#include "core/fileio.h"
#include "core/macros.h"
#include "state/admins.h"
#include "state/roles.h"
#include "state/setup.h"
#include "state/state.h"
#include "support/cmocka_prelude.h"

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>

/* A data directory of its own, and a file that stands for the terminal. */
struct desk {
	char dir[64];
	char input[96];
};

static int setup(void **state)
{
	struct desk *desk = calloc(1, sizeof(*desk));
	snprintf(desk->dir, sizeof(desk->dir), "/tmp/haward-cli-XXXXXX");
	assert_non_null(mkdtemp(desk->dir));
	snprintf(desk->input, sizeof(desk->input), "%s/input", desk->dir);
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
	nftw(desk->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(desk);
	return 0;
}

/* Runs `admin WORDS --data DIR` with a line on standard input. */
static int run(const struct desk *desk, const char *line, const char *const *words)
{
	static char name[] = "admin";
	char *argv[12] = {name};
	int argc = 1;
	for (; *words; words++)
		argv[argc++] = strdup(*words);
	argv[argc++] = strdup("--data");
	argv[argc++] = strdup(desk->dir);
	FILE *file = fopen(desk->input, "w");
	fputs(line, file);
	fclose(file);
	assert_non_null(freopen(desk->input, "r", stdin));
	int r = cli_admin(argc, argv);
	while (argc > 1)
		free(argv[--argc]);
	return r;
}
#define RUN(desk, line, ...) run(desk, line, (const char *const[]){__VA_ARGS__, NULL})

static bool find(const struct desk *desk, const char *name, struct state_admin *ret)
{
	char path[96];
	struct state *state = NULL;
	snprintf(path, sizeof(path), "%s/state", desk->dir);
	assert_int_equal(state_open(path, &state), 0);
	int r = state_admin_get(state, sv_of(name), ret);
	state_close(state);
	return r == 0;
}

static void accounts_are_made_changed_and_removed(void **state)
{
	const struct desk *desk = *state;
	struct state_admin admin;
	assert_int_equal(RUN(desk, "a quiet river bend\n", "add", "root", "--roles", "admin"),
	                 EXIT_SUCCESS);
	assert_int_equal(RUN(desk, "a quiet river bend", "add", "eve", "--roles", "viewer,auditor"),
	                 EXIT_SUCCESS);
	assert_true(find(desk, "eve", &admin));
	assert_int_equal(admin.roles, ROLE_VIEWER | ROLE_AUDITOR);
	assert_true(password_verify(SVL("a quiet river bend"), admin.phc, NULL));
	assert_int_equal(RUN(desk, "another river bend\n", "passwd", "eve"), EXIT_SUCCESS);
	assert_int_equal(RUN(desk, "", "role", "eve", "editor"), EXIT_SUCCESS);
	assert_true(find(desk, "eve", &admin));
	assert_int_equal(admin.roles, ROLE_EDITOR);
	assert_true(password_verify(SVL("another river bend"), admin.phc, NULL));
	assert_int_equal(RUN(desk, "", "list"), EXIT_SUCCESS);
	assert_int_equal(RUN(desk, "", "remove", "eve"), EXIT_SUCCESS);
	assert_false(find(desk, "eve", &admin));
	assert_int_equal(RUN(desk, "", "remove", "root"), EXIT_FAILURE);
	assert_int_equal(RUN(desk, "", "setup-link"), EXIT_FAILURE);
}

static void what_cannot_be_done_says_so(void **state)
{
	const struct desk *desk = *state;
	struct state_admin admin;
	char longer[2000];
	memset(longer, 'x', sizeof(longer) - 1);
	longer[sizeof(longer) - 1] = '\0';
	assert_int_equal(RUN(desk, "", "setup-link", "--url", "https://haward.example"),
	                 EXIT_SUCCESS);
	assert_int_equal(RUN(desk, "short\n", "add", "root", "--roles", "admin"), EXIT_FAILURE);
	assert_int_equal(RUN(desk, "", "add", "root", "--roles", "admin"), EXIT_FAILURE);
	assert_int_equal(RUN(desk, longer, "add", "root", "--roles", "admin"), EXIT_FAILURE);
	assert_int_equal(RUN(desk, "a quiet river bend\n", "add", "root"), EXIT_FAILURE);
	assert_int_equal(RUN(desk, "a quiet river bend\n", "add", "root", "--roles", "king"),
	                 EX_USAGE);
	assert_int_equal(RUN(desk, "a quiet river bend\n", "add", "Root", "--roles", "admin"),
	                 EX_USAGE);
	assert_int_equal(RUN(desk, "", "add"), EX_USAGE);
	assert_int_equal(RUN(desk, "", "dance"), EX_USAGE);
	assert_int_equal(RUN(desk, "a quiet river bend\n", "passwd", "nobody"), EXIT_FAILURE);
	assert_false(find(desk, "root", &admin));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(accounts_are_made_changed_and_removed, setup,
	                                        teardown),
		cmocka_unit_test_setup_teardown(what_cannot_be_done_says_so, setup, teardown),
	};
	return cmocka_run_group_tests_name("cli/admin", tests, NULL, NULL);
}
