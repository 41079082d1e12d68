#include "state/admins.h"
#include "state/password.h"
#include "state/roles.h"
#include "state/sessions.h"
#include "state/setup.h"
#include "temp.h"

#include <errno.h>
#include <string.h>

#define NOW    INT64_C(1764000000000000)
#define MINUTE INT64_C(60000000)

#define PHC       "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$aGFzaA"
#define OTHER_PHC "$argon2id$v=19$m=8,t=1,p=1$c2FsdHNhbHQ$b3RoZXI"

static const struct state_proof PROOF = {.phc = PHC};

static struct state_admin account(const char *name, uint32_t roles)
{
	struct state_admin admin = {.roles = roles, .created_us = NOW, .changed_us = NOW};
	snprintf(admin.name, sizeof(admin.name), "%s", name);
	snprintf(admin.phc, sizeof(admin.phc), PHC);
	return admin;
}

static void add(struct state *state, const char *name, uint32_t roles)
{
	struct state_admin admin = account(name, roles);
	assert_int_equal(state_admin_add(state, &admin), 0);
}

static void roles_include_what_they_say(void **state)
{
	(void)state;
	static const struct {
		uint32_t granted, effective;
	} cases[] = {
		{ROLE_NOBODY, ROLE_NOBODY},
		{1U << 30, ROLE_NOBODY},
		{ROLE_VIEWER, ROLE_VIEWER},
		{ROLE_AUDITOR, ROLE_AUDITOR | ROLE_VIEWER},
		{ROLE_EDITOR, ROLE_EDITOR | ROLE_VIEWER},
		{ROLE_PUBLISHER, ROLE_PUBLISHER | ROLE_EDITOR | ROLE_VIEWER},
		{ROLE_AUDITOR | ROLE_EDITOR, ROLE_AUDITOR | ROLE_EDITOR | ROLE_VIEWER},
		{ROLE_ADMIN, ROLES_ALL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(roles_effective(cases[i].granted), cases[i].effective);
}

static void roles_text_comes_back(void **state)
{
	(void)state;
	for (uint32_t roles = 1; roles <= ROLES_ALL; roles++) {
		char text[ROLES_TEXT_BYTES];
		uint32_t back = 0;
		roles_text(roles, text);
		assert_int_equal(roles_parse(sv_of(text), &back), 0);
		assert_int_equal(back, roles);
	}
	static const char *const bad[] = {"", "root", "viewer,", "viewer,,editor", "Viewer", " "};
	uint32_t roles = 77;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_int_equal(roles_parse(sv_of(bad[i]), &roles), i == 2 ? 0 : -EINVAL);
}

static void passwords_are_judged(void **state)
{
	(void)state;
	static const struct {
		struct sv password;
		enum password_fault fault;
	} cases[] = {
		{SV("short"), PASSWORD_SHORT},
		{SV("passwordpassword"), PASSWORD_COMMON},
		{SV("PASSWORD1234"), PASSWORD_COMMON},
		{SV("zzzzzzzzzzzzzzzz"), PASSWORD_COMMON},
		{SV("alice-2026-!"), PASSWORD_LIKE_NAME},
		{SV("twelve\0bytes!"), PASSWORD_NOT_TEXT},
		{SV("\xff\xfe twelve bytes"), PASSWORD_NOT_TEXT},
		{SV("a quiet river bend"), PASSWORD_GOOD},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		assert_int_equal(password_check(cases[i].password, SVL("alice")), cases[i].fault);
}

static void a_hash_fits_its_password_alone(void **state)
{
	(void)state;
	char one[PASSWORD_PHC_BYTES];
	char two[PASSWORD_PHC_BYTES];
	bool weak = true;
	struct sv password = SV("a quiet river bend");
	assert_int_equal(password_hash(password, one), 0);
	assert_int_equal(password_hash(password, two), 0);
	assert_string_not_equal(one, two);
	assert_true(strncmp(one, "$argon2id$v=19$m=19456,t=2,p=1$", 31) == 0);
	assert_true(password_verify(password, one, &weak));
	assert_false(weak);
	assert_false(password_verify(SVL("a quiet river benD"), one, NULL));
	assert_false(password_verify(password, NULL, NULL));
	assert_false(password_verify(password, "", NULL));
	assert_false(password_verify(password, "plain", NULL));
	assert_int_equal(password_hash(SVL("short"), one), -EINVAL);
}

static void accounts_are_kept(void **state)
{
	struct temp *temp = *state;
	struct state_admin back;
	add(temp->state, "alice", ROLE_ADMIN);
	struct state_admin twice = account("alice", ROLE_VIEWER);
	assert_int_equal(state_admin_add(temp->state, &twice), -EEXIST);

	state_close(temp->state);
	assert_int_equal(state_open(temp->dir, &temp->state), 0);
	assert_int_equal(state_admin_get(temp->state, SVL("alice"), &back), 0);
	assert_string_equal(back.name, "alice");
	assert_int_equal(back.roles, ROLE_ADMIN);
	assert_false(back.disabled);
	assert_int_equal(back.created_us, NOW);
	assert_int_equal(state_admin_get(temp->state, SVL("bob"), &back), -ENOENT);
}

static void names_that_are_none_are_refused(void **state)
{
	struct temp *temp = *state;
	static const char *const bad[] = {"", "Alice", "-a", "a b", "a/b", "a\nb", ".", "\xc3\xa4"};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct state_admin admin = account(bad[i], ROLE_VIEWER);
		assert_int_equal(state_admin_add(temp->state, &admin), -EINVAL);
	}
	struct state_admin no_role = account("x", ROLE_NOBODY);
	assert_int_equal(state_admin_add(temp->state, &no_role), -EINVAL);
}

static void somebody_always_manages_accounts(void **state)
{
	struct temp *temp = *state;
	add(temp->state, "alice", ROLE_ADMIN);
	add(temp->state, "bob", ROLE_VIEWER);
	struct state_admin_change demote = {.roles = ROLE_EDITOR};
	struct state_admin_change disable = {.set_disabled = true, .disabled = true};
	assert_int_equal(state_admin_change(temp->state, SVL("alice"), &demote, NOW), -EBUSY);
	assert_int_equal(state_admin_change(temp->state, SVL("alice"), &disable, NOW), -EBUSY);
	assert_int_equal(state_admin_remove(temp->state, SVL("alice")), -EBUSY);

	struct state_admin_change promote = {.roles = ROLE_ADMIN};
	assert_int_equal(state_admin_change(temp->state, SVL("bob"), &promote, NOW + 1), 0);
	assert_int_equal(state_admin_remove(temp->state, SVL("alice")), 0);
	assert_int_equal(state_admin_remove(temp->state, SVL("alice")), -ENOENT);
	assert_int_equal(state_admin_remove(temp->state, SVL("bob")), -EBUSY);
}

/* The first account of the command line need not be an admin; it can still be mended and removed. */
static void where_nobody_manages_accounts_can_still_change(void **state)
{
	struct temp *temp = *state;
	add(temp->state, "alice", ROLE_AUDITOR);
	add(temp->state, "bob", ROLE_VIEWER);
	struct state_admin_change demote = {.roles = ROLE_VIEWER};
	struct state_admin_change promote = {.roles = ROLE_ADMIN};
	assert_int_equal(state_admin_change(temp->state, SVL("alice"), &demote, NOW), 0);
	assert_int_equal(state_admin_remove(temp->state, SVL("alice")), 0);
	assert_int_equal(state_admin_change(temp->state, SVL("bob"), &promote, NOW), 0);
	assert_int_equal(state_admin_change(temp->state, SVL("bob"), &demote, NOW), -EBUSY);
}

static void sessions_end_by_idleness_and_by_age(void **state)
{
	struct temp *temp = *state;
	uint8_t id[SESSION_ID_BYTES];
	struct state_session session;
	add(temp->state, "alice", ROLE_PUBLISHER);
	assert_int_equal(state_session_open(temp->state, SVL("alice"), &PROOF, NOW, id, &session),
	                 0);
	assert_int_equal(session.roles, ROLE_PUBLISHER | ROLE_EDITOR | ROLE_VIEWER);

	int64_t t = NOW;
	while (t - NOW < 11 * 60 * MINUTE + 50 * MINUTE) { /* used every 29 minutes */
		t += 29 * MINUTE;
		if (t - NOW >= SESSION_ABSOLUTE_US)
			break;
		assert_int_equal(state_session_find(temp->state, id, t, &session), 0);
	}
	assert_int_equal(state_session_find(temp->state, id, NOW + SESSION_ABSOLUTE_US, &session),
	                 -ENOENT);

	assert_int_equal(state_session_open(temp->state, SVL("alice"), &PROOF, NOW, id, &session),
	                 0);
	assert_int_equal(state_session_find(temp->state, id, NOW + SESSION_IDLE_US - 1, &session),
	                 0);
	assert_int_equal(state_session_find(temp->state, id, NOW + 2 * SESSION_IDLE_US, &session),
	                 -ENOENT);
}

static void sessions_end_with_every_change_of_the_account(void **state)
{
	struct temp *temp = *state;
	uint8_t id[SESSION_ID_BYTES];
	struct state_session session;
	add(temp->state, "root", ROLE_ADMIN);
	add(temp->state, "alice", ROLE_EDITOR);
	static const struct state_admin_change changes[] = {
		{.roles = ROLE_VIEWER},
		{.phc = "$argon2id$x"},
		{.set_disabled = true, .disabled = true}};
	const struct state_proof changed = {.phc = changes[1].phc};
	for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
		assert_int_equal(state_session_open(temp->state, SVL("alice"),
		                                    i < 2 ? &PROOF : &changed, NOW, id, &session),
		                 0);
		assert_int_equal(state_admin_change(temp->state, SVL("alice"), &changes[i], NOW),
		                 0);
		assert_int_equal(state_session_find(temp->state, id, NOW, &session), -ENOENT);
	}
	assert_int_equal(state_session_open(temp->state, SVL("alice"), &changed, NOW, id, &session),
	                 -EACCES);
	assert_int_equal(state_session_open(temp->state, SVL("nobody"), &PROOF, NOW, id, &session),
	                 -ENOENT);
}

/* The password was checked, then changed, and only then the session is opened. */
static void a_password_that_was_changed_meanwhile_opens_nothing(void **state)
{
	struct temp *temp = *state;
	uint8_t id[SESSION_ID_BYTES];
	struct state_session session;
	struct state_admin after;
	const struct state_admin_change change = {.phc = OTHER_PHC};
	const struct state_proof late = {.phc = PHC, .new_phc = "$argon2id$rehashed"};
	add(temp->state, "root", ROLE_ADMIN);
	add(temp->state, "alice", ROLE_EDITOR);
	assert_int_equal(state_admin_change(temp->state, SVL("alice"), &change, NOW), 0);
	assert_int_equal(state_session_open(temp->state, SVL("alice"), &late, NOW, id, &session),
	                 -EACCES);
	assert_int_equal(state_admin_get(temp->state, SVL("alice"), &after), 0);
	assert_string_equal(after.phc, OTHER_PHC);
	assert_int_equal(after.last_login_us, 0);
	const struct state_proof good = {.phc = OTHER_PHC, .new_phc = PHC};
	assert_int_equal(state_session_open(temp->state, SVL("alice"), &good, NOW, id, &session),
	                 0);
	assert_int_equal(state_admin_get(temp->state, SVL("alice"), &after), 0);
	assert_string_equal(after.phc, PHC);
}

static void the_oldest_session_makes_room(void **state)
{
	struct temp *temp = *state;
	uint8_t ids[SESSIONS_PER_ADMIN + 1][SESSION_ID_BYTES];
	struct state_session session;
	add(temp->state, "alice", ROLE_ADMIN);
	for (size_t i = 0; i < ARRAY_LEN(ids); i++)
		assert_int_equal(state_session_open(temp->state, SVL("alice"), &PROOF,
		                                    NOW + (int64_t)i, ids[i], &session),
		                 0);
	assert_int_equal(state_session_find(temp->state, ids[0], NOW, &session), -ENOENT);
	for (size_t i = 1; i < ARRAY_LEN(ids); i++)
		assert_int_equal(state_session_find(temp->state, ids[i], NOW + 100, &session), 0);
	assert_int_equal(state_session_close(temp->state, ids[1]), 0);
	assert_int_equal(state_session_close(temp->state, ids[1]), 0);
	assert_int_equal(state_session_find(temp->state, ids[1], NOW + 100, &session), -ENOENT);
}

static void the_setup_token_works_once_and_for_a_day(void **state)
{
	struct temp *temp = *state;
	char old[SETUP_TOKEN_BYTES];
	char token[SETUP_TOKEN_BYTES];
	struct state_admin first = account("alice", ROLE_ADMIN);
	bool needed = false;
	assert_int_equal(state_setup_needed(temp->state, &needed), 0);
	assert_true(needed);
	assert_int_equal(state_setup_claim(temp->state, SVL("none yet"), &first, NOW),
	                 -EKEYREJECTED);

	assert_int_equal(state_setup_create(temp->state, NOW, old), 0);
	assert_int_equal(state_setup_create(temp->state, NOW, token), 0);
	assert_int_equal(state_setup_check(temp->state, sv_of(old), NOW), -EKEYREJECTED);
	assert_int_equal(state_setup_check(temp->state, (struct sv){0}, NOW), -EKEYREJECTED);
	assert_int_equal(state_setup_check(temp->state, sv_of(token), NOW + SETUP_TTL_US),
	                 -EKEYREJECTED);
	assert_int_equal(state_setup_check(temp->state, sv_of(token), NOW + SETUP_TTL_US - 1), 0);
	assert_int_equal(state_setup_claim(temp->state, sv_of(token), &first, NOW), 0);
	assert_int_equal(state_setup_claim(temp->state, sv_of(token), &first, NOW), -EEXIST);
	assert_int_equal(state_setup_create(temp->state, NOW, token), -EEXIST);
	assert_int_equal(state_setup_needed(temp->state, &needed), 0);
	assert_false(needed);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_include_what_they_say),
		cmocka_unit_test(roles_text_comes_back),
		cmocka_unit_test(passwords_are_judged),
		cmocka_unit_test(a_hash_fits_its_password_alone),
		cmocka_unit_test_setup_teardown(accounts_are_kept, temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(names_that_are_none_are_refused, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test_setup_teardown(somebody_always_manages_accounts, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test_setup_teardown(where_nobody_manages_accounts_can_still_change,
	                                        temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(sessions_end_by_idleness_and_by_age, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test_setup_teardown(sessions_end_with_every_change_of_the_account,
	                                        temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(a_password_that_was_changed_meanwhile_opens_nothing,
	                                        temp_setup, temp_teardown),
		cmocka_unit_test_setup_teardown(the_oldest_session_makes_room, temp_setup,
	                                        temp_teardown),
		cmocka_unit_test_setup_teardown(the_setup_token_works_once_and_for_a_day,
	                                        temp_setup, temp_teardown),
	};
	return cmocka_run_group_tests_name("state/accounts", tests, NULL, NULL);
}
