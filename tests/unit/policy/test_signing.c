/* The keys of internal tokens: made when they are due, known before they sign, gone when nothing of theirs is good; and
 * revocations on their way from what is kept to what is looked up. */
#include "authn/mintkeys.h"
#include "authn/revocations.h"
#include "policy/revocations.h"
#include "policy/signing.h"
#include "state/revocations.h"
#include "state/signing.h"
#include "state/temp.h"

#include <errno.h>

enum { NOW = 1000000, DAY = 86400 };

struct seen {
	size_t n;
	int64_t from_s[8];
	char kids[8][MINTKEY_KID_BYTES];
};

static int look(void *user, const struct state_signing_key *key)
{
	struct seen *seen = user;
	assert_true(seen->n < 8);
	(void)snprintf(seen->kids[seen->n], MINTKEY_KID_BYTES, "%.*s", SV_ARG(key->kid));
	seen->from_s[seen->n++] = key->from_s;
	assert_true(sv_starts(key->pem, SVL("-----BEGIN PRIVATE KEY-----")));
	assert_null(memmem(key->jwk.at, key->jwk.n, "\"d\"", 3)); /* only the public half */
	return 0;
}

static struct seen rotate(const struct temp *temp, int64_t now_s)
{
	struct seen seen = {0};
	assert_int_equal(policy_signing_rotate(temp->state, DAY, now_s), 0);
	assert_int_equal(state_signing_list(temp->state, look, &seen), 0);
	return seen;
}

static void a_key_is_made_when_it_is_due(void **state)
{
	const struct temp *temp = *state;
	struct seen seen = rotate(temp, NOW);
	assert_int_equal(seen.n, 1);
	assert_int_equal(seen.from_s[0], NOW); /* the first signs at once */
	assert_int_equal(rotate(temp, NOW + DAY - SIGNING_LEAD_S - 1).n, 1);
	seen = rotate(temp, NOW + DAY - SIGNING_LEAD_S);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.from_s[1], NOW + DAY); /* and is known for an hour before */
	assert_string_not_equal(seen.kids[0], seen.kids[1]);
	assert_int_equal(rotate(temp, NOW + DAY - SIGNING_LEAD_S + 60).n, 2);
	assert_int_equal(rotate(temp, NOW + DAY + SIGNING_REST_S).n, 2);
	struct seen later = rotate(temp, NOW + DAY + SIGNING_REST_S + 1);
	assert_int_equal(later.n, 1); /* its last token is over */
	assert_string_equal(later.kids[0], seen.kids[1]);
}

static void after_a_long_sleep_the_old_key_signs_until_the_new_one_is_known(void **state)
{
	const struct temp *temp = *state;
	(void)rotate(temp, NOW);
	struct seen seen = rotate(temp, NOW + 30 * DAY);
	assert_int_equal(seen.n, 2);
	assert_int_equal(seen.from_s[1], NOW + 30 * DAY + SIGNING_LEAD_S);
}

static struct policy_tables_env env_of(const struct temp *temp)
{
	return (struct policy_tables_env){.state = temp->state, .token_issuer = "https://edge"};
}

static void what_is_kept_is_what_signs(void **state)
{
	const struct temp *temp = *state;
	const struct policy_tables_env env = env_of(temp);
	struct shared *shared = NULL;
	struct seen seen = rotate(temp, NOW);
	assert_int_equal(policy_signing_build(&env, NULL, &shared), 0);
	const struct mintkeys *set = (const struct mintkeys *)shared;
	assert_string_equal(set->issuer, "https://edge");
	assert_string_equal(mintkeys_current(set, NOW)->kid, seen.kids[0]);
	shared_unref(shared);
}

static void a_key_that_is_damaged_makes_no_table(void **state)
{
	const struct temp *temp = *state;
	const struct policy_tables_env env = env_of(temp);
	struct shared *shared = NULL;
	const struct state_signing_key bad = {1, SVL("k"), SVL("no pem"), SVL("{}")};
	assert_int_equal(state_signing_add(temp->state, &bad), 0);
	assert_int_equal(state_signing_add(temp->state, &bad), -EEXIST);
	assert_int_equal(policy_signing_build(&env, NULL, &shared), -EBADMSG);
	assert_null(shared);
	const struct state_signing_key empty = {2, SVL("k"), SVL(""), SVL("{}")};
	assert_int_equal(state_signing_add(temp->state, &empty), -EINVAL);
}

static void what_is_revoked_is_looked_up(void **state)
{
	const struct temp *temp = *state;
	const struct policy_tables_env env = env_of(temp);
	const struct identity who = {.issuer = SVL("https://one"), .token_id = SVL("t")};
	struct shared *shared = NULL;
	uint64_t number;
	const struct state_revocation r = {
		.what = {REVOCATION_TOKEN, SVL("https://one"), SVL("t"), 0, NOW + 1},
		.author = SVL("alice"),
	};
	assert_int_equal(policy_revocations_build(&env, NULL, &shared), 0);
	assert_false(revocations_hold(revocations_of(shared), &who, NOW));
	shared_unref(shared);
	assert_int_equal(state_revocation_add(temp->state, &r, &number), 0);
	assert_int_equal(policy_revocations_build(&env, NULL, &shared), 0);
	assert_true(revocations_hold(revocations_of(shared), &who, NOW));
	shared_unref(shared);
}

#define WITH_STATE(test) cmocka_unit_test_setup_teardown(test, temp_setup, temp_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		WITH_STATE(a_key_is_made_when_it_is_due),
		WITH_STATE(after_a_long_sleep_the_old_key_signs_until_the_new_one_is_known),
		WITH_STATE(what_is_kept_is_what_signs),
		WITH_STATE(a_key_that_is_damaged_makes_no_table),
		WITH_STATE(what_is_revoked_is_looked_up),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
