#include "authz/rollout.h"
#include "support/judging.h"

enum { CALLERS = 2000 };

static bool has(unsigned percent, const char *policy, const char *principal)
{
	const struct authz_policy p = {
		.name = sv_of(policy), .action = AUTHZ_ACTION_ALLOW, .percent = (uint8_t)percent};
	const struct request request = {0};
	const struct identity who = {.method = AUTH_JWT, .principal = sv_of(principal)};
	const struct authz_view view = {.request = &request, .who = &who};
	return authz_rollout_has(&p, &view);
}

static char *principal_of(int i)
{
	char *text = NULL;
	assert_true(asprintf(&text, "https://idp.example/user-%d", i) > 0);
	return text;
}

static void a_percentage_of_callers_is_in_and_stays_in(void **state)
{
	(void)state;
	unsigned n_in[AUTHZ_PERCENT_ALL + 1] = {0};
	for (int i = 0; i < CALLERS; i++) {
		char *principal = principal_of(i);
		bool was_in = false;
		for (unsigned percent = 0; percent <= AUTHZ_PERCENT_ALL; percent++) {
			bool is_in = has(percent, "p", principal);
			assert_true(is_in || !was_in); /* who is in at 10 is in at 20 */
			was_in = is_in;
			n_in[percent] += is_in;
		}
		free(principal);
	}
	assert_int_equal(n_in[0], 0);
	assert_int_equal(n_in[AUTHZ_PERCENT_ALL], CALLERS);
	for (unsigned percent = 10; percent < AUTHZ_PERCENT_ALL; percent += 10)
		assert_in_range(n_in[percent], CALLERS * (percent - 4) / 100,
		                CALLERS * (percent + 4) / 100);
}

/* What was chosen before a restart or an upgrade has to be chosen after it. */
static void the_choice_never_changes(void **state)
{
	(void)state;
	char chosen[41] = "";
	for (int i = 0; i < 40; i++) {
		char *principal = principal_of(i);
		chosen[i] = has(50, "p", principal) ? '1' : '0';
		free(principal);
	}
	assert_string_equal(chosen, "0001000100011001100001001001101001111100");
}

static void policies_choose_independently(void **state)
{
	(void)state;
	unsigned n_both = 0;
	for (int i = 0; i < CALLERS; i++) {
		char *principal = principal_of(i);
		n_both += has(50, "p", principal) && has(50, "q", principal);
		free(principal);
	}
	assert_in_range(n_both, CALLERS * 21 / 100, CALLERS * 29 / 100);
}

static const char set_text[] =
	"{'defaultAction':'ALLOW','services':[{'name':'open','hosts':['open']},{'name':'wide','"
	"hosts':['wide']},"
	"  {'name':'shut','hosts':['shut'],'defaultAction':'DENY'}],"
	" 'policies':["
	"  {'name':'some','action':'ALLOW','percent':50,'services':['open'],'rules':[{"
	"     'to':[{'operation':{'paths':['/a']}}]}]},"
	"  {'name':'users','action':'ALLOW','percent':50,'services':['shut'],'rules':[{"
	"     'from':[{'source':{'requestPrincipals':['*']}}]}]},"
	"  {'name':'block','action':'DENY','percent':50,'rules':[{"
	"     'to':[{'operation':{'paths':['/block']}}]}]}]}";

struct tally {
	unsigned n, n_allowed, n_shadow;
};

/* The judged effect and shadow of each caller at one path. */
static struct tally tally_of(const struct authz *set, const char *host, const char *path,
                             const char *policy)
{
	struct tally t = {0};
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	for (int i = 0; i < CALLERS; i++) {
		char *principal = principal_of(i);
		struct request request = {
			.method = SV("GET"), .host = sv_of(host), .path = sv_of(path)};
		struct identity who = {.method = AUTH_JWT, .principal = sv_of(principal)};
		struct authz_target target;
		struct verdict v;
		arena_reset(&scratch);
		assert_true(authz_locate(set, &request, &scratch, &target, &v));
		authz_evaluate(set, &target, &request, &who, &scratch, &v);
		bool is_in = has(50, policy, principal);
		t.n++;
		t.n_allowed += v.effect == VERDICT_ALLOW;
		t.n_shadow += v.has_shadow;
		assert_int_equal(v.has_shadow && is_in, false); /* for whom it is in force */
		assert_int_equal(v.has_shadow || is_in, true);
		free(principal);
	}
	arena_fini(&scratch);
	return t;
}

static void others_see_a_shadow(void **state)
{
	(void)state;
	struct authz *set = set_of(set_text);
	assert_int_equal(authz_count(set).rules, 3);
	/* an ALLOW ends the default, for those that it is in force for */
	struct tally t = tally_of(set, "open", "/b", "some");
	assert_int_equal(t.n_allowed, t.n_shadow);
	assert_in_range(t.n_allowed, CALLERS * 45 / 100, CALLERS * 55 / 100);
	t = tally_of(set, "shut", "/a", "users");
	assert_int_equal(t.n - t.n_allowed, t.n_shadow);
	t = tally_of(set, "wide", "/block", "block");
	assert_int_equal(t.n_allowed, t.n_shadow);
	authz_free(set);
}

static void who_is_unknown_is_denied_and_asked_to_sign_in(void **state)
{
	(void)state;
	struct authz *set = set_of(set_text);
	char *line = judged(set, "{'method':'GET','host':'wide','path':'/block'}");
	assert_string_equal(line, "deny block");
	free(line);
	/* whichever half the address is in: the user may be in the other */
	for (int i = 1; i < 20; i++) {
		char *request = NULL;
		assert_true(asprintf(&request,
		                     "{'method':'GET','host':'shut','path':'/','src':'10.0.0.%d'}",
		                     i) > 0);
		line = judged(set, request);
		assert_string_equal(line, "authenticate authentication_required");
		free(line);
		free(request);
	}
	authz_free(set);
}

static void what_had_a_part_is_noted(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		uint32_t policy;
		bool decided, would_change;
	} rows[] = {
		{"{'host':'h','method':'GET','path':'/a'}", 0, true, false},
		{"{'host':'h','method':'GET','path':'/b'}", 1, true, false},
		{"{'host':'h','method':'GET','path':'/c'}", 2, false, true},
	};
	struct authz *set = set_of(
		"{'policies':[{'name':'a','action':'ALLOW','rules':[{'to':[{'operation':{'paths':["
		"'/a']}}]}]},{'name':'b','action':'DENY','rules':[{'to':[{'operation':{'paths':['/"
		"b']}}]}]},{'name':'c','action':'ALLOW','mode':'shadow','rules':[{'to':[{"
		"'operation':{'paths':['/c']}}]}]}]}");
	assert_int_equal(authz_n_parts(set), 3);
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = unquoted(rows[i].request);
		json_t *in = json_load_strict(sv_of(text), 0, NULL);
		struct verdict v = judge_json(set, in, &scratch);
		assert_int_equal(v.n_hits, 1);
		assert_int_equal(v.hits[0].policy, rows[i].policy);
		assert_int_equal(v.hits[0].decided, rows[i].decided);
		assert_int_equal(v.hits[0].would_change, rows[i].would_change);
		json_decref(in);
		free(text);
	}
	arena_fini(&scratch);
	authz_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_percentage_of_callers_is_in_and_stays_in),
		cmocka_unit_test(the_choice_never_changes),
		cmocka_unit_test(policies_choose_independently),
		cmocka_unit_test(others_see_a_shadow),
		cmocka_unit_test(who_is_unknown_is_denied_and_asked_to_sign_in),
		cmocka_unit_test(what_had_a_part_is_noted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
