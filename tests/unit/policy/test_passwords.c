/* The lane of passwords: right and wrong, guessed and flooded, and its end. Under ThreadSanitizer as well. */
#include "authn/basic.h"
#include "core/clock.h"
#include "core/netaddr.h"
#include "policy/load.h"
#include "policy/passwords.h"
#include "policy/policy.h"
#include "state/state.h"
#include "state/users.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <jansson.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { PATIENCE_MS = 60000 };

#define BCRYPT "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW" /* U*U */
static char dir[64];
static struct state *state_;
static struct passwords *passwords;
static struct policy_asks *asks;
static struct policy *policy;
static struct policy_mailbox *box;
static atomic_uint n_woken;
static const struct basic_rules rules = {.cache_s = 30};
static unsigned next_key;

static void woken(void *user)
{
	(void)user;
	atomic_fetch_add(&n_woken, 1);
}

static void add_user(const char *name, const char *password, const char *hash)
{
	struct state_user user = {.groups = "ops,it"};
	(void)snprintf(user.name, sizeof(user.name), "%s", name);
	if (hash)
		(void)snprintf(user.hash, sizeof(user.hash), "%s", hash);
	else
		assert_int_equal(password_hash(sv_of(password), user.hash), 0);
	assert_int_equal(state_user_add(state_, &user), 0);
}

static int set_up(void **context)
{
	(void)context;
	(void)snprintf(dir, sizeof(dir), "/tmp/haward-passwords-XXXXXX");
	assert_non_null(mkdtemp(dir));
	assert_int_equal(state_open(dir, &state_), 0);
	assert_int_equal(passwords_start(state_, 2, &passwords), 0);
	const struct policy_performer performers[AUTHN_ASK_KIND_COUNT] = {
		[AUTHN_ASK_PASSWORD] = passwords_performer(passwords)};
	assert_int_equal(policy_asks_new(performers, &asks), 0);
	assert_int_equal(policy_load(SVL("{}"), NULL, 1, NULL, &policy), 0);
	box = policy_mailbox_new(woken, NULL);
	assert_non_null(box);
	return 0;
}

static int tear_down(void **context)
{
	char command[96];
	(void)context;
	passwords_end(passwords);
	policy_asks_free(asks);
	passwords_free(passwords);
	policy_mailbox_close(box);
	policy_unref(policy);
	state_close(state_);
	(void)snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	assert_int_equal(system(command), 0);
	return 0;
}

static int put(const char *name, const char *password, const char *source)
{
	struct netaddr src = {0};
	struct authn_ask ask = {.kind = AUTHN_ASK_PASSWORD, .serial = 1, .about = &rules};
	if (source)
		assert_true(netaddr_parse(sv_of(source), &src));
	next_key++;
	memcpy(ask.key, &next_key, sizeof(next_key));
	ask.parts[BASIC_NAME] = sv_of(name);
	ask.parts[BASIC_PASSWORD] = sv_of(password);
	ask.parts[BASIC_SOURCE] = (struct sv){(const char *)&src, sizeof(src)};
	return policy_asks_put(asks, policy, &ask, box);
}

static struct authn_answer *await(void)
{
	struct authn_answer *answer = NULL;
	for (int i = 0; i < PATIENCE_MS && !(answer = policy_mailbox_take(box)); i++)
		usleep(1000);
	if (!answer)
		abort();
	return answer;
}

/* The reason of one try; REASON_POLICY_ALLOWED: it was right. */
static enum reason try(const char *name, const char *password, const char *source)
{
	assert_int_equal(put(name, password, source), 0);
	struct authn_answer *answer = await();
	enum reason why = answer->is_good ? REASON_POLICY_ALLOWED : answer->why;
	assert_null(answer->next);
	assert_true(answer->until_s > clock_real_us() / 1000000);
	if (answer->is_good) {
		const json_t *groups = json_object_get(answer->claims, "groups");
		assert_string_equal(json_string_value(json_object_get(answer->claims, "iss")),
		                    BASIC_ISSUER);
		assert_string_equal(json_string_value(json_object_get(answer->claims, "sub")),
		                    name);
		assert_int_equal(json_array_size(groups), 2);
	}
	authn_answer_free(answer);
	return why;
}

static void right_wrong_and_unknown(void **context)
{
	(void)context;
	add_user("anna", "open sesame, please", NULL);
	add_user("bert", NULL, BCRYPT);
	assert_int_equal(try("anna", "open sesame, please", NULL), REASON_POLICY_ALLOWED);
	assert_int_equal(try("anna", "open sesame", NULL), REASON_PASSWORD_WRONG);
	assert_int_equal(try("Anna", "open sesame, please", NULL), REASON_PASSWORD_WRONG);
	assert_int_equal(try("nobody", "open sesame, please", NULL), REASON_PASSWORD_WRONG);
	assert_int_equal(try("bert", "U*U", NULL), REASON_POLICY_ALLOWED);
	assert_int_equal(try("bert", "u*u", NULL), REASON_PASSWORD_WRONG);
	struct passwords_stats stats;
	passwords_stats(passwords, &stats);
	assert_int_equal(stats.n_right, 2);
	assert_int_equal(stats.n_wrong, 4);
	/* removed: at once */
	assert_int_equal(state_user_remove(state_, SVL("anna")), 0);
	assert_int_equal(try("anna", "open sesame, please", NULL), REASON_PASSWORD_WRONG);
}

/* A hash that others made becomes ours when its password is at hand, if that is long enough for ours. */
static void imported_hashes_become_ours(void **context)
{
	(void)context;
	struct state_user user;
	add_user("short", NULL, BCRYPT);
	assert_int_equal(try("short", "U*U", NULL), REASON_POLICY_ALLOWED);
	add_user("hello", NULL,
	         "$6$saltstring$svn8UoSVapNtMuq1ukKS4tPQd8iKwSMHWjl/"
	         "O817G3uBnIFNjnQJuesI68u4OTLiBFdcbYEdFCoEOfaS35inz1");
	assert_int_equal(try("hello", "Hello world!", NULL), REASON_POLICY_ALLOWED);
	for (int i = 0; i < PATIENCE_MS; i++) { /* behind the answer */
		assert_int_equal(state_user_get(state_, SVL("hello"), &user), 0);
		if (user.hash[1] == 'a')
			break;
		usleep(1000);
	}
	assert_true(sv_starts(sv_of(user.hash), SVL("$argon2id$")));
	assert_string_equal(user.groups, "ops,it");
	assert_int_equal(try("hello", "Hello world!", NULL), REASON_POLICY_ALLOWED);
	assert_int_equal(state_user_get(state_, SVL("short"), &user), 0);
	assert_string_equal(user.hash, BCRYPT); /* 3 bytes are too few for a new hash */
}

static void guessing_is_slowed_down(void **context)
{
	(void)context;
	add_user("anna", "open sesame, please", NULL);
	add_user("bert", "another long password", NULL);
	for (int i = 0; i < 3; i++)
		assert_int_equal(try("anna", "wrong", "192.0.2.7"), REASON_PASSWORD_WRONG);
	assert_int_equal(try("anna", "wrong", "192.0.2.7"), REASON_THROTTLED);
	assert_int_equal(try("anna", "open sesame, please", "198.51.100.1"), REASON_THROTTLED);
	/* others go on, also from there, until the network has failed too often */
	assert_int_equal(try("bert", "another long password", "192.0.2.7"), REASON_POLICY_ALLOWED);
	char name[16];
	for (int i = 0; i < 7; i++) {
		(void)snprintf(name, sizeof(name), "u%d", i);
		assert_int_equal(try(name, "wrong", "192.0.2.8"), REASON_PASSWORD_WRONG);
	}
	assert_int_equal(try("bert", "another long password", "192.0.2.9"), REASON_THROTTLED);
	assert_int_equal(try("bert", "another long password", "192.0.3.9"), REASON_POLICY_ALLOWED);
	usleep(1200000); /* nobody is locked out */
	assert_int_equal(try("anna", "open sesame, please", "198.51.100.1"), REASON_POLICY_ALLOWED);
}

static void a_full_lane_refuses_and_the_end_tells_all(void **context)
{
	unsigned n_put = 0, n_told = 0, n_full = 0;
	(void)context;
	for (unsigned i = 0; i < PASSWORDS_LANE_MAX + 40; i++) {
		char name[16];
		(void)snprintf(name, sizeof(name), "user%u", i);
		int r = put(name, "whatever it is", NULL);
		assert_true(r == 0 || r == -EAGAIN);
		n_put += r == 0;
		n_full += r == -EAGAIN;
	}
	assert_true(n_full > 0 && n_put >= PASSWORDS_LANE_MAX);
	passwords_end(passwords);
	for (int i = 0; i < PATIENCE_MS && n_told < n_put; i++) {
		for (struct authn_answer *a = policy_mailbox_take(box), *next; a; a = next) {
			next = a->next;
			assert_false(a->is_good);
			/* those that found the lane full were told as well: theirs count for nothing */
			n_told += a->until_s > 0 || a->why == REASON_AUTHENTICATION_UNAVAILABLE;
			authn_answer_free(a);
		}
		usleep(1000);
	}
	assert_true(n_told >= n_put);
	assert_true(put("late", "whatever it is", NULL) < 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(right_wrong_and_unknown, set_up, tear_down),
		cmocka_unit_test_setup_teardown(imported_hashes_become_ours, set_up, tear_down),
		cmocka_unit_test_setup_teardown(guessing_is_slowed_down, set_up, tear_down),
		cmocka_unit_test_setup_teardown(a_full_lane_refuses_and_the_end_tells_all, set_up,
	                                        tear_down),
	};
	return cmocka_run_group_tests_name("policy/passwords", tests, NULL, NULL);
}
