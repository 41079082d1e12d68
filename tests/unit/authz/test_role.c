#include "authz/role.h"
#include "core/strbuf.h"
#include "support/judging.h"

#include <time.h>

static const char shop[] =
	"{'services':[{'name':'orders','hosts':['shop'],'labels':{'team':'eu'}},"
	"             {'name':'open','hosts':['open'],'defaultAction':'ALLOW'}],"
	" 'roles':["
	"  {'name':'viewer','permissions':[{'services':['orders'],'operations':["
	"      {'methods':['GET'],'paths':['/orders/{id}']},{'paths':['/health']}]}],"
	"   'bindings':[{'groups':['staff','it-*']},{'clients':['web']},"
	"               {'principals':['spiffe://td/ns/shop/sa/cart']},"
	"               {'requestPrincipals':['https://idp/zoe']}]},"
	"  "
	"{'name':'editor','inherits':['viewer'],'permissions':[{'selector':{'matchLabels':{'team':'"
	"eu'}},"
	"      'operations':[{'methods':['PUT'],'paths':['/orders/{id}']}]}],"
	"   'bindings':[{'groups':['editors'],'requestPrincipals':['https://idp/*']},"
	"               {'claims':{'dept':['sales','it'],'realm[roles]':['ed*']}}]},"
	"  {'name':'owner','inherits':['editor'],'bindings':[{'claims':{'sub':['olga']}}]},"
	"  {'name':'banned','bindings':[{'groups':['banned']},{'claims':{'banned':['true']}}]},"
	"  {'name':'nobody'}],"
	" 'policies':["
	"  {'name':'no-bans','action':'DENY','rules':[{'from':[{'source':{'roles':['banned']}}]}]},"
	"  {'name':'delete','action':'ALLOW','services':['orders'],'rules':[{"
	"     "
	"'from':[{'source':{'roles':['owner']}}],'to':[{'operation':{'methods':['DELETE']}}]}]},"
	"  {'name':'patch','action':'ALLOW','services':['orders'],'rules':[{"
	"     'to':[{'operation':{'methods':['PATCH']}}],'condition':\"'editor' in roles\"}]},"
	"  {'name':'post','action':'ALLOW','services':['orders'],'rules':[{"
	"     "
	"'from':[{'source':{'notRoles':['viewer']}}],'to':[{'operation':{'methods':['POST']}}]}]}]"
	"}";

#define AT(method)  "'host':'shop','path':'/orders/1','method':'" method "'"
#define WHO(more)   "'claims':{'iss':'https://idp','sub':'bob'" more "}"
#define GROUP(name) WHO(",'groups':['x','" name "']")

/* The document has conditions with quotes of both kinds. */
static char *document(const char *quoted)
{
	char *text = unquoted(quoted);
	char *at = strstr(text, "\"\"editor\" in roles\"");
	if (at)
		memcpy(at, "\"'editor' in roles\"", strlen("\"'editor' in roles\""));
	return text;
}

static struct authz *roles_set(void)
{
	char *text = document(shop);
	struct diag d = diag_over("test", sv_of(text));
	struct authz *set = NULL;
	int r = compile_set_text(text, &d, &set);
	if (r != 0)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	diag_fini(&d);
	free(text);
	return set;
}

static void roles_permit_what_they_and_the_inherited_say(void **state)
{
	(void)state;
	static const struct {
		const char *request, *line;
	} rows[] = {
		{"{" AT("GET") "," GROUP("staff") "}", "allow role:viewer"},
		{"{" AT("GET") "," GROUP("it-ops") "}", "allow role:viewer"},
		{"{" AT("GET") "," GROUP("editors") "}", "allow role:viewer"},
		{"{" AT("PUT") "," GROUP("editors") "}", "allow role:editor"},
		{"{" AT("PUT") "," GROUP("staff") "}", "deny no_policy_matched"},
		{"{" AT("GET") "," GROUP("others") "}", "deny no_policy_matched"},
		{"{" AT("GET") "," WHO("") "}", "deny no_policy_matched"},
		{"{" AT("GET") "," WHO(",'azp':'web'") "}", "allow role:viewer"},
		{"{" AT("GET") ",'workload':'spiffe://td/ns/shop/sa/cart'}", "allow role:viewer"},
		{"{" AT("GET") ",'workload':'spiffe://td/ns/shop/sa/other'}",
	         "authenticate authentication_required"},
		{"{" AT("GET") ",'claims':{'iss':'https://idp','sub':'zoe'}}", "allow role:viewer"},
		{"{" AT("GET") "}", "authenticate authentication_required"},
		{"{'host':'shop','path':'/health','method':'POST'," GROUP("staff") "}",
	         "allow role:viewer"},
		/* every list of a binding has to fit */
		{"{" AT("PUT") ",'claims':{'iss':'https://"
	                       "other','sub':'bob','groups':['editors']}}",
	         "deny no_policy_matched"},
		{"{" AT("PUT") "," WHO(",'dept':'it','realm':{'roles':['a','edx']}") "}",
	         "allow role:editor"},
		{"{" AT("PUT") "," WHO(",'dept':['hr','it'],'realm':{'roles':'ed'}") "}",
	         "allow role:editor"},
		{"{" AT("PUT") "," WHO(",'dept':'it'") "}", "deny no_policy_matched"},
		{"{" AT("PUT") "," WHO(",'dept':'hr','realm':{'roles':'ed'}") "}",
	         "deny no_policy_matched"},
		/* rules of policies ask for them */
		{"{" AT("DELETE") ",'claims':{'iss':'https://idp','sub':'olga'}}", "allow delete"},
		{"{" AT("PUT") ",'claims':{'iss':'https://idp','sub':'olga'}}",
	         "allow role:editor"},
		{"{" AT("DELETE") "," GROUP("editors") "}", "deny no_policy_matched"},
		{"{" AT("PATCH") "," GROUP("editors") "}", "allow patch"},
		{"{" AT("PATCH") "," GROUP("staff") "}", "deny no_policy_matched"},
		{"{" AT("POST") "," GROUP("staff") "}", "deny no_policy_matched"},
		{"{" AT("POST") "," GROUP("others") "}", "allow post"},
		/* a denial goes before what a role permits */
		{"{" AT("GET") "," WHO(",'groups':['staff','banned']") "}", "deny no-bans"},
		{"{" AT("GET") "," WHO(",'groups':['staff'],'banned':true") "}", "deny no-bans"},
		/* a role that may be held binds a DENY rule and grants nothing */
		{"{" AT("GET") "," WHO(",'groups':['staff'],'banned':{'a':1}") "}", "deny no-bans"},
		{"{" AT("GET") "," WHO(",'dept':{'a':1},'realm':{'roles':'ed'}") "}",
	         "deny no_policy_matched"},
		{"{'kind':'tcp','service':'orders'}", "deny no-bans"},
		/* a service that no role names stays open */
		{"{'host':'open','path':'/','method':'GET'}", "allow default_allowed"},
	};
	struct authz *set = roles_set();
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *line = judged(set, rows[i].request);
		if (strcmp(line, rows[i].line) != 0)
			print_message("%s\n", rows[i].request);
		assert_string_equal(line, rows[i].line);
		free(line);
	}
	authz_free(set);
}

static void why_names_the_role_and_its_binding(void **state)
{
	(void)state;
	static const struct {
		const char *request, *rule, *condition, *value, *expected;
	} rows[] = {
		{"{" AT("GET") "," GROUP("staff") "}", "/roles/0/permissions/0",
	         "from.source.roles", "viewer (/roles/0/bindings/0: groups)", "viewer"},
		{"{" AT("GET") ",'claims':{'iss':'https://idp','sub':'olga'}}",
	         "/roles/0/permissions/0", "from.source.roles",
	         "viewer, by owner (/roles/2/bindings/0: claims sub)", "viewer"},
		{"{" AT("DELETE") "," GROUP("staff") "}", "/policies/1/rules/0",
	         "from.source.roles", "viewer", "owner"},
		{"{" AT("DELETE") "," WHO("") "}", "/policies/1/rules/0", "from.source.roles", "",
	         "owner"},
		{"{" AT("POST") "," GROUP("staff") "}", "/policies/3/rules/0",
	         "from.source.notRoles", "viewer", "none of viewer"},
	};
	struct authz *set = roles_set();
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = unquoted(rows[i].request);
		json_t *in = json_load_strict(sv_of(text), 0, NULL);
		struct verdict v = judge_json(set, in, &scratch);
		print_message("%s\n  %.*s %.*s\n", text, SV_ARG(v.why[0].rule),
		              SV_ARG(v.why[0].value));
		assert_int_equal(v.n_why, 1);
		assert_true(sv_eq(v.why[0].rule, sv_of(rows[i].rule)));
		assert_true(sv_eq(v.why[0].condition, sv_of(rows[i].condition)));
		assert_true(sv_eq(v.why[0].value, sv_of(rows[i].value)));
		assert_true(sv_eq(v.why[0].expected, sv_of(rows[i].expected)));
		json_decref(in);
		free(text);
	}
	arena_fini(&scratch);
	authz_free(set);
}

/* The book keeps groups and no claims: what they would have bound could be either way. */
static void the_book_does_not_know_claims(void **state)
{
	(void)state;
	static const struct sv staff[] = {SV("staff")};
	const struct {
		const char *path, *method;
		size_t n_groups;
		enum verdict_effect against, in_favour;
	} rows[] = {
		{"/orders/1", "PUT", 0, VERDICT_DENY, VERDICT_ALLOW},
		{"/orders/1", "GET", 1, VERDICT_DENY,
	         VERDICT_ALLOW}, /* banned by a claim, perhaps */
		{"/other", "GET", 1, VERDICT_DENY, VERDICT_DENY},
	};
	struct authz *set = roles_set();
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		struct request request = {.method = sv_of(rows[i / 2].method),
		                          .path = sv_of(rows[i / 2].path),
		                          .host = SV("shop")};
		struct identity who = {.method = AUTH_JWT,
		                       .recorded = true,
		                       .groups = staff,
		                       .n_groups = rows[i / 2].n_groups,
		                       .principal = SV("https://idp/bob")};
		struct authz_target target;
		struct verdict v;
		assert_true(authz_locate(set, &request, &scratch, &target, &v));
		target.unknown_grants = i % 2;
		authz_evaluate(set, &target, &request, &who, &scratch, &v);
		assert_int_equal(v.effect, i % 2 ? rows[i / 2].in_favour : rows[i / 2].against);
	}
	arena_fini(&scratch);
	authz_free(set);
}

#define ROLE(more) "{'roles':[{'name':'a'" more "}]}"

static void mistakes_are_named_with_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *text, *pointer, *code;
	} rows[] = {
		{"{'roles':{}}", "/roles", "wrong_type"},
		{"{'roles':[{}]}", "/roles/0", "missing_key"},
		{"{'roles':[{'name':'a b'}]}", "/roles/0/name", "bad_name"},
		{"{'roles':[{'name':'a'},{'name':'a'}]}", "/roles/1/name", "doubled_name"},
		{ROLE(",'inherits':['a']"), "/roles/0/inherits/0", "role_cycle"},
		{ROLE(",'inherits':['b']"), "/roles/0/inherits/0", "unknown_role"},
		{"{'roles':[{'name':'a','inherits':['d','b']},{'name':'b','inherits':['c']},"
	         "{'name':'c','inherits':['d','a']},{'name':'d'}]}",
	         "/roles/0/inherits/1", "role_cycle"},
		{ROLE(",'bindings':[{}]"), "/roles/0/bindings/0", "empty_object"},
		{ROLE(",'bindings':[{'groups':[]}]"), "/roles/0/bindings/0/groups", "empty_list"},
		{ROLE(",'bindings':[{'group':['a']}]"), "/roles/0/bindings/0/group", "unknown_key"},
		{ROLE(",'bindings':[{'claims':{'a]':['b']}}]"), "/roles/0/bindings/0/claims/a]",
	         "bad_value"},
		{ROLE(",'permissions':[{}]"), "/roles/0/permissions/0", "empty_object"},
		{ROLE(",'permissions':[{'services':['x']}]"), "/roles/0/permissions/0/services/0",
	         "unknown_service"},
		{ROLE(",'permissions':[{'operations':[{'paths':['x']}]}]"),
	         "/roles/0/permissions/0/operations/0/paths/0", "bad_path"},
		{"{'roles':[{'name':'a','permissions':[{'operations':[{'paths':['/']}]}]}],"
	         "'policies':[{'name':'role:a','action':'ALLOW'}]}",
	         "/roles/0/name", "doubled_name"},
		{"{'roles':[{'name':'viewer'}],'policies':[{'name':'p','action':'ALLOW','rules':[{"
	         "'from':[{'source':{'roles':['viever']}}]}]}]}",
	         "/policies/0/rules/0/from/0/source/roles/0", "unknown_role"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = unquoted(rows[i].text);
		struct diag d = diag_over("test", sv_of(text));
		struct authz *set = NULL;
		assert_int_equal(compile_set_text(text, &d, &set), -EINVAL);
		if (d.n != 1 || strcmp(d.items[0].pointer, rows[i].pointer) != 0)
			diag_print(&d, stderr);
		assert_int_equal(d.n, 1);
		assert_string_equal(d.items[0].pointer, rows[i].pointer);
		assert_string_equal(d.items[0].code, rows[i].code);
		diag_fini(&d);
		free(text);
	}
}

/* ---- many roles ---- */

enum { MANY = 10000 };

/* Each of them permits the same operation, to one group of its own. */
static struct authz *many_roles(int n)
{
	struct strbuf text = strbuf_with(8 << 20);
	strbuf_add(&text, SVL("{\"roles\":["));
	for (int i = 0; i < n; i++)
		strbuf_addf(&text,
		            "%s{\"name\":\"r%d\",\"permissions\":[{\"operations\":[{\"paths\":"
		            "[\"/o/{id}\"]}]}],\"bindings\":[{\"groups\":[\"g%d\"]}]}",
		            i ? "," : "", i, i);
	strbuf_add(&text, SVL("]}"));
	struct authz *set = set_of(text.at);
	strbuf_fini(&text);
	return set;
}

static double judge_ns(const struct authz *set, const char *quoted)
{
	char *text = unquoted(quoted);
	json_t *in = json_load_strict(sv_of(text), 0, NULL);
	struct arena scratch;
	struct timespec from, to;
	enum { ROUNDS = 2000 };
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	for (int i = 0; i < ROUNDS; i++) {
		arena_reset(&scratch);
		(void)judge_json(set, in, &scratch);
	}
	(void)clock_gettime(CLOCK_MONOTONIC, &to);
	arena_fini(&scratch);
	json_decref(in);
	free(text);
	return ((double)(to.tv_sec - from.tv_sec) * 1e9 + (double)(to.tv_nsec - from.tv_nsec)) /
	       ROUNDS;
}

static void many_roles_are_not_walked_through(void **state)
{
	(void)state;
	static const char holder[] = "{'method':'GET','host':'h','path':'/o/1'," GROUP("g7") "}";
	static const char other[] = "{'method':'GET','host':'h','path':'/o/1'," GROUP("none") "}";
	struct authz *few = many_roles(10);
	struct authz *many = many_roles(MANY);
	char *line = judged(many, holder);
	assert_string_equal(line, "allow role:r7");
	free(line);
	line = judged(many, other);
	assert_string_equal(line, "deny no_policy_matched");
	free(line);
	double ns_few = judge_ns(few, holder), ns_many = judge_ns(many, holder);
	print_message("one of 10 roles: %.0f ns, of %d: %.0f ns\n", ns_few, MANY, ns_many);
	assert_true(ns_many < ns_few * 20); /* a walk would be a thousand times as long */
	authz_free(few);
	authz_free(many);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(roles_permit_what_they_and_the_inherited_say),
		cmocka_unit_test(why_names_the_role_and_its_binding),
		cmocka_unit_test(the_book_does_not_know_claims),
		cmocka_unit_test(mistakes_are_named_with_their_place),
		cmocka_unit_test(many_roles_are_not_walked_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
