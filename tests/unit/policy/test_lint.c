/* What lint finds, one code after the other, and what it is not to find: a false alarm costs more than a gap. */
#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "policy/lint.h"
#include "support/judging.h"

#include <glob.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct row {
	const char *set;   /* ' for " */
	const char *found; /* "pointer code", one a line; "" for nothing */
};

static char *lint(const char *text)
{
	char *json = unquoted(text), *found = calloc(1, 4096);
	struct diag d = diag_over("set", sv_of(json));
	assert_non_null(found);
	assert_int_equal(policy_lint(sv_of(json), &d), 0);
	for (size_t i = 0; i < d.n; i++)
		(void)snprintf(found + strlen(found), 4096 - strlen(found), "%s%s %s",
		               i ? "\n" : "", d.items[i].pointer, d.items[i].code);
	diag_fini(&d);
	free(json);
	return found;
}

static void check(const struct row *rows, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		char *found = lint(rows[i].set);
		if (strcmp(found, rows[i].found) != 0)
			print_message("%s\n", rows[i].set);
		assert_string_equal(found, rows[i].found);
		free(found);
	}
}

#define SET(rest)       "{'policies':[" rest "]}"
#define ALLOW(rules)    "{'name':'p','action':'ALLOW','rules':[" rules "]}"
#define DENY(rules)     "{'name':'no','action':'DENY','rules':[" rules "]}"
#define TO(operation)   "{'to':[{'operation':{" operation "}}]}"
#define GET             TO("'methods':['GET']")
#define AT(pointer)     "/policies/0/rules/0" pointer
#define OPERATION(code) AT("/to/0/operation ") code

static void what_is_wide_open_or_says_nothing(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{SET(ALLOW("{}")), AT(" wide_open")},
		{SET(ALLOW(GET)), ""},
		{SET(ALLOW("")), "/policies/0 never_matches"},
		{SET(ALLOW(GET) "," ALLOW(GET)), "/policies/1 doubled_policy"},
		{SET(ALLOW(GET) "," ALLOW(TO("'methods':['PUT']"))), ""},
		{SET("{'name':'p','action':'ALLOW','mode':'shadow','rules':[{}]}"), ""},
		{SET(DENY("{}")), ""},
	};
	check(rows, ARRAY_LEN(rows));
}

static void what_a_deny_takes_whole(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{SET(ALLOW(GET) "," DENY("{}")), "/policies/0 never_grants"},
		{SET(ALLOW(GET) "," DENY(GET)), OPERATION("never_grants")},
		{SET(ALLOW(GET) "," DENY(TO("'methods':['GET','PUT']"))),
	         OPERATION("never_grants")},
		{SET(ALLOW(GET) "," DENY(TO("'methods':['*']"))), OPERATION("never_grants")},
		{SET(ALLOW(TO("'methods':['GET','PUT']")) "," DENY(GET)), ""},
		{SET(ALLOW(TO("'paths':['/admin/x']")) "," DENY(TO("'paths':['/admin/{**}']"))),
	         OPERATION("never_grants")},
		{SET(ALLOW(TO("'paths':['/admin/{id}']")) "," DENY(TO("'paths':['/admin/{**}']"))),
	         OPERATION("never_grants")},
		{SET(ALLOW(TO("'paths':['/adm/{id}']")) "," DENY(TO("'paths':['/admin/{**}']"))),
	         ""},
		{SET(ALLOW(TO("'paths':['/{**}']")) "," DENY(TO("'paths':['/admin/{**}']"))), ""},
		{SET(ALLOW(TO("'paths':['/a/{x}']")) "," DENY(TO("'paths':['/a/{x}/{**}']"))), ""},
		{SET(ALLOW(TO("'paths':['/admin/x'],'methods':['GET']")) "," DENY(
			 TO("'paths':['/admin/{**}']"))),
	         OPERATION("never_grants")},
		{SET(ALLOW(TO("'paths':['/admin/x']")) "," DENY(
			 TO("'paths':['/admin/{**}'],'methods':['GET']"))),
	         ""},
		{SET(ALLOW(TO("'ports':['443']")) "," DENY(TO("'ports':['80']"))), ""},
		{SET(ALLOW(TO("'ports':['443']")) "," DENY(TO("'ports':['443']"))),
	         OPERATION("never_grants")},
		{SET(ALLOW(TO("'hosts':['a.example']")) "," DENY(TO("'hosts':['*.example']"))),
	         OPERATION("never_grants")},
		{SET(ALLOW(TO("'hosts':['*.example']")) "," DENY(TO("'hosts':['a.example']"))), ""},
		{SET(ALLOW(GET) "," DENY(TO("'notMethods':['PUT']"))), ""},
		/* a rule that asks who, or when, denies not everybody */
		{SET(ALLOW(GET) "," DENY("{'to':[{'operation':{'methods':['GET']}}],'condition':'"
	                                 "user == \\'x\\''}")),
	         ""},
		{SET(ALLOW(GET) ",{'name':'no','action':'DENY','mode':'shadow','rules':[" GET "]}"),
	         ""},
		{SET(ALLOW(GET) ",{'name':'no','action':'DENY','percent':50,'rules':[" GET "]}"),
	         ""},
		/* nor one of another service */
		{"{'services':[{'name':'a'},{'name':'b'}],'policies':[" ALLOW(
			 GET) ",{'name':'no',"
	                      "'action':'DENY','services':['a'],'rules':[" GET "]}]}",
	         ""},
		{"{'services':[{'name':'a'},{'name':'b'}],'policies':[{'name':'p','action':'ALLOW',"
	         "'services':['a'],'rules':[" GET
	         "]},{'name':'q','action':'ALLOW','services':['b'],"
	         "'rules':[" GET "]},{'name':'no','action':'DENY','services':['a'],'rules':[" GET
	         "]}]}",
	         OPERATION("never_grants")},
	};
	check(rows, ARRAY_LEN(rows));
}

#define OF_SERVICE(hosts, operation) \
	"{'services':[{'name':'a','hosts':[" hosts "]}],'policies':[" ALLOW(TO(operation)) "]}"

static void hosts_that_no_service_has(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{OF_SERVICE("'a.example'", "'hosts':['b.example']"), OPERATION("never_matches")},
		{OF_SERVICE("'a.example'", "'hosts':['A.example']"), ""},
		{OF_SERVICE("'*.example'", "'hosts':['a.example']"), ""},
		{OF_SERVICE("'*.example'", "'hosts':['a.other']"), OPERATION("never_matches")},
		{OF_SERVICE("'*.example'", "'hosts':['a.*']"), ""},
		{OF_SERVICE("'a.example'", "'hosts':['*.example']"), ""},
		{OF_SERVICE("'a.example'", "'hosts':['*.other','a.example']"), ""},
		{"{'services':[{'name':'a','hosts':['a.example']},{'name':'b'}],'policies':[" ALLOW(
			 TO("'hosts':['c.example']")) "]}",
	         ""},
	};
	check(rows, ARRAY_LEN(rows));
}

static void paths_that_are_one(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{SET(ALLOW(TO("'paths':['/a/{x}','/a/{y}']"))),
	         AT("/to/0/operation/paths/1 doubled_path")},
		{SET(ALLOW(TO("'paths':['/a/{x=*}','/a/{y=**}']"))), ""},
		{SET(ALLOW(TO("'paths':['/a/{x}','/b/{x}','/a/{x}/b']"))), ""},
		{SET(ALLOW(TO("'paths':['/a/{x=**}','/b','/a/{rest=**}']"))),
	         AT("/to/0/operation/paths/2 doubled_path")},
	};
	check(rows, ARRAY_LEN(rows));
}

#define WHEN(key)       "{'when':[{'key':'request.auth.claims" key "','values':['x']}]}"
#define CONDITION(text) "{'condition':'" text "'}"

static void claims_that_are_misspelt(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{SET(ALLOW(WHEN("[emial]"))), AT("/when/0/key unknown_claim")},
		{SET(ALLOW(WHEN("[email]"))), ""},
		{SET(ALLOW(WHEN("[shoe_size]"))), ""},
		{SET(ALLOW(WHEN("[realm_acess][roles]"))), AT("/when/0/key unknown_claim")},
		{SET(ALLOW(CONDITION("claims.deparment == 1"))), AT("/condition unknown_claim")},
		{SET(ALLOW(CONDITION("has(claims.department) && claims.?level.orValue(0) > 1"))),
	         ""},
		{SET(ALLOW(CONDITION("claims.?emal.hasValue()"))), AT("/condition unknown_claim")},
		{SET(ALLOW(CONDITION("my.claims.emial == 1"))), ""},
		{"{'issuers':[{'issuer':'https://"
	         "idp','claims':{'user':'emial'}}],'policies':[" ALLOW(WHEN("[emial]")) "]}",
	         ""},
		{"{'limits':[{'name':'l','requests':1,'periodSeconds':1,'rules':[" WHEN(
			 "[emial]") "]}]}",
	         "/limits/0/rules/0/when/0/key unknown_claim"},
	};
	check(rows, ARRAY_LEN(rows));
}

#define ISSUERS \
	"'issuers':[{'name':'one','issuer':'https://one'},{'name':'two','issuer':'https://two'}]"
#define FROM(principal) "{'from':[{'source':{'requestPrincipals':['" principal "']}}]}"

static void issuers_that_nobody_is_let_in_by(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{" ISSUERS ",'policies':[" ALLOW(FROM("https://one/*")) "]}",
	         "/issuers/1 unused_issuer"},
		{"{" ISSUERS ",'policies':[" ALLOW(FROM("*")) "]}", ""},
		{"{" ISSUERS ",'policies':[" ALLOW(FROM("https://*")) "]}", ""},
		{"{" ISSUERS ",'policies':[" ALLOW(FROM("*/alice")) "]}", ""},
		{"{" ISSUERS ",'policies':[" ALLOW(GET) "]}", ""},
		{"{" ISSUERS ",'logins':[{'name':'web','issuer':'two'}],'policies':[" ALLOW(
			 FROM("https://one/*")) "]}",
	         ""},
		{"{" ISSUERS
	         ",'defaultAction':'ALLOW','policies':[" ALLOW(FROM("https://one/*")) "]}",
	         ""},
		{"{" ISSUERS ",'policies':[" ALLOW(FROM("https://three/*")) "]}",
	         AT("/from/0/source/requestPrincipals/0 unknown_issuer") "\n"
	                                                                 "/issuers/0 "
	                                                                 "unused_issuer\n/issuers/"
	                                                                 "1 unused_issuer"},
	};
	check(rows, ARRAY_LEN(rows));
}

static void services_roles_and_trust_domains(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{'services':[{'name':'a'}]}", "/services/0 closed_service"},
		{"{'services':[{'name':'a'}],'defaultAction':'ALLOW'}", ""},
		{"{'roles':[{'name':'r','permissions':[{}]}]}", "/roles/0 unbound_role"},
		{"{'roles':[{'name':'r','bindings':[{'groups':['g']}]}]}", ""},
		{"{'trustDomains':[{'name':'td'}],'policies':[" ALLOW(
			 "{'from':[{'source':{'principals':['other/ns/a/sa/b']}}]}") "]}",
	         AT("/from/0/source/principals/0 unknown_trust_domain")},
		{"{'trustDomains':[{'name':'td'}],'policies':[" ALLOW(
			 "{'from':[{'source':{'principals':['td/ns/a/sa/b']}}]}") "]}",
	         ""},
	};
	check(rows, ARRAY_LEN(rows));
}

static void the_examples_are_clean(void **state)
{
	(void)state;
	char pattern[512];
	glob_t found;
	const char *root = getenv("HAWARD_SOURCE_DIR");
	(void)snprintf(pattern, sizeof(pattern), "%s/haproxy-examples/policies/*.json",
	               root ? root : ".");
	assert_int_equal(glob(pattern, 0, NULL, &found), 0);
	for (size_t i = 0; i < found.gl_pathc; i++) {
		char *text = NULL;
		size_t n;
		assert_int_equal(file_read(found.gl_pathv[i], 1 << 20, &text, &n), 0);
		struct diag d = diag_over(found.gl_pathv[i], (struct sv){text, n});
		assert_int_equal(policy_lint(d.text, &d), 0);
		diag_print(&d, stderr);
		assert_int_equal(d.n, 0);
		diag_fini(&d);
		free(text);
	}
	globfree(&found);
}

/* 10,000 policies on 1,000 services: the time grows with the set, not with its square. */
static void a_large_set_takes_no_time(void **state)
{
	(void)state;
	enum { POLICIES = 10000, SERVICES = 1000, ROOM = 4 << 20 };
	char *text = malloc(ROOM), *to = text;
	struct timespec from, until;
	assert_non_null(text);
	to += snprintf(to, ROOM, "{\"services\":[");
	for (int i = 0; i < SERVICES; i++)
		to += snprintf(to, 64, "%s{\"name\":\"s%d\",\"hosts\":[\"s%d\"]}", i ? "," : "", i,
		               i);
	to += snprintf(to, 64, "],\"policies\":[");
	for (int i = 0; i < POLICIES; i++)
		to += snprintf(
			to, 300,
			"%s{\"name\":\"p%d\",\"action\":\"%s\",\"services\":[\"s%d\"],\"rules\":[{"
			"\"to\":[{\"operation\":{\"methods\":[\"GET\"],\"paths\":[\"/%d/"
			"{x}\"]}}]}]}",
			i ? "," : "", i, i < 9000 ? "ALLOW" : "DENY", i % SERVICES, i);
	to += snprintf(to, 8, "]}");
	struct diag d = diag_over("large", (struct sv){text, (size_t)(to - text)});
	(void)clock_gettime(CLOCK_MONOTONIC, &from);
	assert_int_equal(policy_lint(d.text, &d), 0);
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	print_message("%.0f ms\n", (double)(until.tv_sec - from.tv_sec) * 1e3 +
	                                   (double)(until.tv_nsec - from.tv_nsec) / 1e6);
	assert_int_equal(d.n, 0);
	assert_true(until.tv_sec - from.tv_sec < 60); /* a square would be minutes, also here */
	diag_fini(&d);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_wide_open_or_says_nothing),
		cmocka_unit_test(what_a_deny_takes_whole),
		cmocka_unit_test(hosts_that_no_service_has),
		cmocka_unit_test(paths_that_are_one),
		cmocka_unit_test(claims_that_are_misspelt),
		cmocka_unit_test(issuers_that_nobody_is_let_in_by),
		cmocka_unit_test(services_roles_and_trust_domains),
		cmocka_unit_test(the_examples_are_clean),
		cmocka_unit_test(a_large_set_takes_no_time),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
