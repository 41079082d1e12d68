/* Rules that ask how a user has signed in. */
#include "authz/stepup.h"
#include "support/judging.h"

/* "pay" wants it strong and fresh, "read" strong, "note" fresh; everybody signed in may do "look". */
static const char bank[] =
	"{'policies':["
	"  {'name':'pay','action':'ALLOW','rules':[{"
	"    'from':[{'source':{'requestPrincipals':['*']}}],"
	"    'to':[{'operation':{'paths':['/pay']}}],"
	"    'authentication':{'acrValues':['gold','silver'],'maxAge':300}}]},"
	"  {'name':'read','action':'ALLOW','rules':[{"
	"    'to':[{'operation':{'methods':['GET'],'paths':['/read/{id}']}}],"
	"    'authentication':{'acrValues':['gold']}}]},"
	"  {'name':'note','action':'ALLOW','rules':[{"
	"    'from':[{'source':{'requestPrincipals':['https://idp/alice']}}],"
	"    'to':[{'operation':{'paths':['/note','/read/7']}}],'authentication':{'maxAge':60}}]},"
	"  {'name':'look','action':'ALLOW','rules':[{"
	"    'from':[{'source':{'requestPrincipals':['*']}}],"
	"    'to':[{'operation':{'paths':['/look']}}]}]},"
	"  {'name':'tried','action':'ALLOW','mode':'shadow','rules':[{"
	"    'from':[{'source':{'requestPrincipals':['*']}}],"
	"    'to':[{'operation':{'paths':['/tried']}}],'authentication':{'maxAge':60}}]},"
	"  {'name':'never','action':'DENY','rules':[{"
	"    'from':[{'source':{'requestPrincipals':['https://idp/mallory']}}]}]}]}";

#define ASK(path, claims)                                                             \
	"{'now':1000000,'method':'GET','host':'h','path':'" path "','claims':{'iss':" \
	"'https://idp'," claims "}}"

static void a_user_signed_in_well_enough_passes(void **state)
{
	static const struct {
		const char *request, *line;
	} rows[] = {
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':999700"), "allow pay"},
		{ASK("/pay", "'sub':'alice','acr':'silver','auth_time':1000000"), "allow pay"},
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':1000060"), "allow pay"},
		{ASK("/read/1", "'sub':'bob','acr':'gold'"), "allow read"},
		{ASK("/look", "'sub':'bob'"), "allow look"},
		{ASK("/read/7", "'sub':'alice','auth_time':999999"), "allow note"},
	};
	struct authz *set = set_of(bank);
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *line = judged(set, rows[i].request);
		assert_string_equal(line, rows[i].line);
		free(line);
	}
	authz_free(set);
}

#define STEP_UP "authenticate step_up_required"

static void another_is_told_to_sign_in_better(void **state)
{
	static const struct {
		const char *request, *line;
	} rows[] = {
		{ASK("/pay", "'sub':'alice','acr':'bronze','auth_time':999999"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':'golden','auth_time':999999"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':['gold'],'auth_time':999999"), STEP_UP},
		{ASK("/pay", "'sub':'alice','auth_time':999999"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':'gold'"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':999699"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':1000061"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':'999999'"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':999999.5"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':-1"), STEP_UP},
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':9223372036854775807"),
	         STEP_UP},
		{ASK("/read/7", "'sub':'alice'"), STEP_UP},
		/* a better sign-in would not help these */
		{ASK("/note", "'sub':'bob'"), "deny no_policy_matched"},
		{ASK("/elsewhere", "'sub':'bob'"), "deny no_policy_matched"},
		{ASK("/pay", "'sub':'mallory'"), "deny never"},
		{ASK("/tried", "'sub':'bob'"), "deny no_policy_matched"},
		/* nor those, who have to sign in first */
		{"{'now':1000000,'method':'GET','host':'h','path':'/pay'}",
	         "authenticate authentication_required"},
		{"{'now':1000000,'method':'GET','host':'h','path':'/read/1'}",
	         "authenticate authentication_required"},
		{"{'now':1000000,'method':'GET','host':'h','path':'/read/1',"
	         "'workload':'spiffe://td/ns/a/sa/b'}",
	         "authenticate authentication_required"},
		/* without the time no age is small enough */
		{"{'method':'GET','host':'h','path':'/pay','claims':{'iss':'https://idp','sub':'a',"
	         "'acr':'gold','auth_time':999999}}",
	         STEP_UP},
	};
	struct authz *set = set_of(bank);
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *line = judged(set, rows[i].request);
		if (strcmp(line, rows[i].line) != 0)
			print_message("%s\n", rows[i].request);
		assert_string_equal(line, rows[i].line);
		free(line);
	}
	authz_free(set);
}

static void what_a_provider_says_is_met_or_not(void **state)
{
	static const struct {
		const char *acr;
		int64_t max_age_s;
		const char *claims;
		bool met;
	} rows[] = {
		{"", 0, "{}", true},
		{"gold", 0, "{'acr':'gold'}", true},
		{"gold silver", 0, "{'acr':'silver'}", true},
		{"gold silver", 0, "{'acr':'gold silver'}", false},
		{"gold silver", 0, "{'acr':''}", false},
		{"gold", 0, "{'acr':'golden'}", false},
		{"gold", 0, "{'acr':['gold']}", false},
		{"gold", 0, "{}", false},
		{"", 60, "{'auth_time':999940}", true},
		{"", 60, "{'auth_time':999939}", false},
		{"", 60, "{'auth_time':1000061}", false},
		{"", 60, "{'auth_time':'999999'}", false},
		{"", 60, "{}", false},
		{"gold", 60, "{'acr':'gold','auth_time':999999}", true},
		{"gold", 60, "{'acr':'gold'}", false},
		{"gold", 60, "{'auth_time':999999}", false},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = unquoted(rows[i].claims);
		json_t *claims = json_load_strict(sv_of(text), 0, NULL);
		if (authz_stepup_met(sv_of(rows[i].acr), rows[i].max_age_s, claims, 1000000) !=
		    rows[i].met)
			fail_msg("%s %s", rows[i].acr, text);
		json_decref(claims);
		free(text);
	}
}

static void it_says_what_is_wanted(void **state)
{
	static const struct {
		const char *request, *stepup, *condition, *value, *expected;
	} rows[] = {
		{ASK("/pay", "'sub':'alice','acr':'bronze'"),
	         ", acr_values=\"gold silver\", max_age=\"300\"", "authentication.acrValues",
	         "bronze", "gold silver"},
		{ASK("/pay", "'sub':'alice','acr':'gold','auth_time':990000"),
	         ", acr_values=\"gold silver\", max_age=\"300\"", "authentication.maxAge",
	         "10000 seconds ago", "at most 300 seconds ago"},
		{ASK("/note", "'sub':'alice'"), ", max_age=\"60\"", "authentication.maxAge", "",
	         "at most 60 seconds ago"},
		{ASK("/read/1", "'sub':'alice'"), ", acr_values=\"gold\"",
	         "authentication.acrValues", "", "gold"},
		{ASK("/look/1", "'sub':'alice'"), "", "to.operation.paths", "/look/1", "/pay"},
	};
	struct authz *set = set_of(bank);
	struct arena scratch;
	(void)state;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = unquoted(rows[i].request);
		json_t *in = json_load_strict(sv_of(text), 0, NULL);
		struct verdict v = judge_json(set, in, &scratch);
		assert_true(sv_eq(v.stepup.challenge, sv_of(rows[i].stepup)));
		assert_int_equal(v.n_why, 1);
		assert_true(sv_eq(v.why[0].condition, sv_of(rows[i].condition)));
		assert_true(sv_eq(v.why[0].value, sv_of(rows[i].value)));
		assert_true(sv_eq(v.why[0].expected, sv_of(rows[i].expected)));
		json_decref(in);
		free(text);
		arena_reset(&scratch);
	}
	arena_fini(&scratch);
	authz_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_user_signed_in_well_enough_passes),
		cmocka_unit_test(another_is_told_to_sign_in_better),
		cmocka_unit_test(what_a_provider_says_is_met_or_not),
		cmocka_unit_test(it_says_what_is_wanted),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
