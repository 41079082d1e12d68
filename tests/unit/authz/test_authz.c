#include "authz/authz.h"
#include "core/strbuf.h"
#include "support/judging.h"

struct row {
	const char *request;
	const char *line;
};

static void check_rows(const char *text, const struct row *rows, size_t n)
{
	struct authz *set = set_of(text);
	for (size_t i = 0; i < n; i++) {
		char *line = judged(set, rows[i].request);
		if (strcmp(line, rows[i].line) != 0)
			print_message("%s\n", rows[i].request);
		assert_string_equal(line, rows[i].line);
		free(line);
	}
	authz_free(set);
}

#define ALICE                                                                               \
	"'claims':{'iss':'https://idp','sub':'alice','role':'admin','groups':['eu','ops']," \
	"'scope':'read write','level':3,'beta':true,'azp':'shop','aud':'orders','a':{'b':'c'}}"
#define BOB "'claims':{'iss':'https://idp','sub':'bob'}"
#define GET "'method':'GET','host':'shop.example:8080','src':'10.1.2.3'"

static const char shop[] =
	"{'services':[{'name':'orders','hosts':['shop.example'],'paths':['/orders','/orders/"
	"{**}']},"
	"             {'name':'open','paths':['/open/{**}'],'defaultAction':'ALLOW'},"
	"             {'name':'named'}],"
	" 'policies':["
	"  {'name':'read','action':'ALLOW','services':['orders'],'rules':[{"
	"    'from':[{'source':{'requestPrincipals':['https://idp/*']}}],"
	"    'to':[{'operation':{'methods':['GET'],'paths':['/orders','/orders/{id}']}}]}]},"
	"  {'name':'own','action':'ALLOW','services':['orders'],'rules':[{"
	"    'to':[{'operation':{'methods':['PUT'],'paths':['/orders/of/{who}']}}],"
	"    'when':[{'key':'path[who]','valuesFrom':'request.auth.claims[sub]'}]}]},"
	"  {'name':'mesh','action':'ALLOW','services':['orders','named'],'rules':[{"
	"    'from':[{'source':{'principals':['spiffe://td/ns/shop/sa/*']}}],"
	"    'to':[{'operation':{'methods':['POST']}}]}]},"
	"  "
	"{'name':'not-13','action':'DENY','rules':[{'to':[{'operation':{'paths':['/orders/"
	"13']}}]}]},"
	"  {'name':'off','action':'DENY','mode':'disabled','rules':[{}]}]}";

static void the_order_is_deny_allow_default(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{" GET ",'path':'/orders/1'," ALICE "}", "allow read"},
		{"{" GET ",'path':'/orders/1?q=/../'," ALICE "}", "allow read"},
		{"{" GET ",'path':'/orders/13'," ALICE "}", "deny not-13"},
		{"{" GET ",'path':'/orders/1'}", "authenticate authentication_required"},
		{"{" GET ",'path':'/orders/1/2'," ALICE "}", "deny no_policy_matched"},
		{"{'method':'DELETE','host':'shop.example','path':'/orders/1'," ALICE "}",
	         "deny no_policy_matched"},
		{"{'method':'DELETE','host':'shop.example','path':'/orders/1'}",
	         "deny no_policy_matched"},
		{"{'method':'PUT','host':'shop.example','path':'/orders/of/alice'," ALICE "}",
	         "allow own"},
		{"{'method':'PUT','host':'shop.example','path':'/orders/of/%61lice'," ALICE "}",
	         "allow own"},
		{"{'method':'PUT','host':'shop.example','path':'/orders/of/bob'," ALICE "}",
	         "deny no_policy_matched"},
		{"{'method':'PUT','host':'shop.example','path':'/orders/of/bob'}",
	         "authenticate authentication_required"},
		{"{'method':'POST','host':'shop.example','path':'/orders','workload':'spiffe://td/"
	         "ns/"
	         "shop/sa/cart'}",
	         "allow mesh"},
		{"{'method':'POST','host':'shop.example','path':'/orders','workload':'spiffe://td/"
	         "ns/"
	         "other/sa/cart'}",
	         "deny no_policy_matched"},
		{"{'method':'POST','host':'shop.example','path':'/orders'}",
	         "deny no_policy_matched"},
		{"{'method':'POST','service':'named','host':'h','path':'/x','workload':'spiffe://"
	         "td/"
	         "ns/shop/sa/cart'}",
	         "allow mesh"},
		{"{" GET ",'path':'/open/x'}", "allow default_allowed"},
		{"{" GET ",'path':'/nowhere'}", "deny no_service"},
		{"{'method':'GET','host':'other','path':'/orders/1'," ALICE "}", "deny no_service"},
		{"{" GET ",'path':'/orders/1','service':'ordres'," ALICE "}",
	         "deny unknown_service"},
		{"{" GET ",'path':'/orders/%2e%2e/1'," ALICE "}", "deny ambiguous_path"},
		{"{" GET ",'path':'/orders%2f1'," ALICE "}", "deny ambiguous_path"},
		{"{" GET ",'path':'//orders/1'," ALICE "}", "deny ambiguous_path"},
		{"{'method':'GET','host':'a b','path':'/orders/1'," ALICE "}", "deny bad_request"},
		{"{'method':'GET','path':'/orders/1'," ALICE "}", "deny no_service"},
		{"{'host':'shop.example','path':'/orders/1'," ALICE "}", "deny no_policy_matched"},
		{"{}", "deny no_service"},
	};
	check_rows(shop, rows, ARRAY_LEN(rows));
}

/* 401 only where a credential could make the difference. */
static void a_user_is_asked_for_where_one_could_pass(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		const char *request;
		bool asked;
	} rows[] = {
		{"'when':[{'key':'path[id]','valuesFrom':'request.auth.claims[sub]'}]",
	         "{" GET ",'path':'/of/bob'}", true},
		{"'when':[{'key':'path[id]','valuesFrom':'request.auth.claims[sub]'}]",
	         "{" GET ",'path':'/of/bob'," ALICE "}", false},
		{"'when':[{'key':'path[id]','values':['x'],'valuesFrom':['request.headers[x]',"
	         "'request.auth.claims[groups]']}]",
	         "{" GET ",'path':'/of/bob','headers':{}}", true},
		{"'when':[{'key':'path[id]','valuesFrom':'request.headers[x]'}]",
	         "{" GET ",'path':'/of/bob','headers':{}}", false},
		{"'when':[{'key':'path[id]','valuesFrom':'request.auth.claims[sub]'},"
	         "{'key':'request.headers[x]','values':['y']}]",
	         "{" GET ",'path':'/of/bob','headers':{}}", false},
		{"'when':[{'key':'path[id]','valuesFrom':'request.auth.claims[sub]'}],"
	         "'from':[{'source':{'ipBlocks':['192.0.2.0/24']}}]",
	         "{" GET ",'path':'/of/bob'}", false},
		{"'when':[{'key':'path[id]','valuesFrom':'request.auth.claims[sub]',"
	         "'notValues':['bob']}]",
	         "{" GET ",'path':'/of/bob'}", false},
		{"'when':[{'key':'request.headers[x]','valuesFrom':'request.auth.claims[sub]'}]",
	         "{" GET ",'path':'/of/bob','headers':{'x':'1'}}", true},
		{"'when':[{'key':'request.auth.claims[sub]','notValues':['bob']},"
	         "{'key':'source.principal','values':['*']}]",
	         "{" GET ",'path':'/of/bob'}", false},
		{"'from':[{'source':{'principals':['*']}},{'source':{'requestPrincipals':['*']}}]",
	         "{" GET ",'path':'/of/bob'}", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = NULL;
		assert_true(asprintf(&text,
		                     "{'policies':[{'name':'own','action':'ALLOW','rules':[{"
		                     "'to':[{'operation':{'paths':['/of/{id}']}}],%s}]}]}",
		                     rows[i].rule) > 0);
		struct authz *set = set_of(text);
		char *line = judged(set, rows[i].request);
		print_message("%s\n", rows[i].rule);
		assert_string_equal(line, rows[i].asked ? "authenticate authentication_required"
		                                        : "deny no_policy_matched");
		free(line);
		authz_free(set);
		free(text);
	}
}

/* What people try: each would pass if the agent and the service read the request in two ways. Everything is
 * allowed but for what the DENY policy names. */
static void nobody_gets_around_a_denial(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{" GET ",'path':'/open'}", "allow all"},
		{"{" GET ",'path':'/admin'}", "deny no"},
		{"{" GET ",'path':'/admin?x'}", "deny no"},
		{"{" GET ",'path':'/%61dmin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/admi%6E'}", "deny ambiguous_path"},
		{"{" GET ",'path':'//admin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/admin;v=1'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/;x/admin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/open;v=1'}", "allow all"},
		{"{" GET ",'path':'/x/../admin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/x/..;/admin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/x/%2E%2e%3B/admin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/./admin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/x%2f..%2fadmin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/\\\\admin'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/admin%00'}", "deny ambiguous_path"},
		{"{" GET ",'path':'/admin%'}", "deny ambiguous_path"},
		{"{" GET ",'path':'http://shop.example/admin'}", "deny ambiguous_path"},
		{"{'method':'GET','host':'closed.example','path':'/'}", "deny no"},
		{"{'method':'GET','host':'CLOSED.example','path':'/'}", "deny no"},
		{"{'method':'GET','host':'closed.example.','path':'/'}", "deny no"},
		{"{'method':'GET','host':'closed.example:','path':'/'}", "deny no"},
		{"{'method':'GET','host':'closed.example.:443','path':'/'}", "deny no"},
		{"{'method':'GET','host':'closed.example..','path':'/'}", "deny bad_request"},
		{"{'method':'GET','host':'clo%73ed.example','path':'/'}", "deny bad_request"},
		{"{'method':'GET','host':'closed.example, x','path':'/'}", "deny bad_request"},
		{"{'method':'GET','path':'/open'}", "deny no"},
		{"{'method':'GET','host':'h'}", "deny no"},
		{"{'method':'PURGE','host':'h','path':'/'}", "deny no"},
		{"{'method':'delete','host':'h','path':'/'}", "deny bad_request"},
		{"{'method':'Get','host':'h','path':'/'}", "deny bad_request"},
		{"{'method':'purge','host':'h','path':'/'}", "allow all"},
		{"{'host':'h','path':'/'}", "deny no"},
		{"{'method':'GET','host':'h','path':'/headers','headers':{'x-role':'guest'}}",
	         "deny no"},
		{"{'method':'GET','host':'h','path':'/headers','headers':{'X-ROLE':['user','guest']"
	         "}}",
	         "deny no"},
		{"{'method':'GET','host':'h','path':'/headers','headers':{'x-role':'user'}}",
	         "allow all"},
		{"{'method':'GET','host':'h','path':'/headers'}", "deny no"},
		{"{'method':'GET','host':'h','path':'/blocks','src':'10.0.0.1'}", "deny no"},
		{"{'method':'GET','host':'h','path':'/blocks','src':'::ffff:10.0.0.1'}", "deny no"},
		{"{'method':'GET','host':'h','path':'/blocks','src':'::ffff:a00:1'}", "deny no"},
		{"{'method':'GET','host':'h','path':'/blocks','src':'192.0.2.1'}", "allow all"},
		{"{'method':'GET','host':'h','path':'/blocks'}", "deny no"},
		{"{'kind':'tcp','src':'192.0.2.1'}", "deny no"},
	};
	check_rows("{'policies':[{'name':'all','action':'ALLOW','rules':[{}]},"
	           "{'name':'no','action':'DENY','rules':["
	           "{'to':[{'operation':{'paths':['/admin']}}]},"
	           "{'to':[{'operation':{'hosts':['closed.example']}}]},"
	           "{'to':[{'operation':{'methods':['DELETE','PURGE']}}]},"
	           "{'to':[{'operation':{'paths':['/headers']}}],"
	           "'when':[{'key':'request.headers[x-role]','values':['guest']}]},"
	           "{'to':[{'operation':{'paths':['/blocks']}}],"
	           "'from':[{'source':{'ipBlocks':['10.0.0.0/8']}}]}]}]}",
	           rows, ARRAY_LEN(rows));
}

/* The same where everything is denied but for what the ALLOW policy names. */
static void nobody_gets_into_a_grant(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{" GET ",'path':'/of/alice'," ALICE "}", "allow own"},
		{"{" GET ",'path':'/of/bob'," ALICE "}", "deny no_policy_matched"},
		{"{" GET ",'path':'/of/alice;bob'," ALICE "}", "deny ambiguous_path"},
		{"{" GET ",'path':'/of/alice%2fbob'," ALICE "}", "deny ambiguous_path"},
		{"{" GET ",'path':'/of/%2561lice'," ALICE "}", "deny no_policy_matched"},
		{"{" GET ",'path':'/of/Alice'," ALICE "}", "deny no_policy_matched"},
		{"{" GET ",'path':'/of/x','claims':{'iss':'i','sub':''}}",
	         "deny no_policy_matched"},
		{"{" GET ",'path':'/of/x','claims':{'iss':'i'}}", "deny no_policy_matched"},
		{"{" GET ",'path':'/of/x','claims':{'iss':'i','sub':{'x':'x'}}}",
	         "deny no_policy_matched"},
		{"{" GET ",'path':'/of/x','claims':{'iss':'i','sub':['x','y']}}", "allow own"},
		{"{" GET ",'path':'/of/1.5','claims':{'iss':'i','sub':1.5}}",
	         "deny no_policy_matched"},
		{"{" GET ",'path':'/of/null','claims':{'iss':'i','sub':null}}",
	         "deny no_policy_matched"},
		{"{" GET ",'path':'/rest/','claims':{'iss':'i','sub':''}}",
	         "deny no_policy_matched"},
		{"{" GET ",'path':'/headers','headers':{'x-role':'admin'}}", "allow header"},
		{"{" GET ",'path':'/headers','headers':{'x-role':['admin','user']}}",
	         "deny no_policy_matched"},
		{"{" GET ",'path':'/headers','headers':{'x-role':'admin','x-bad':'1'}}",
	         "deny no_policy_matched"},
		{"{" GET ",'path':'/headers','headers':{'x-role':'admin','x-bad':['0','1']}}",
	         "deny no_policy_matched"},
		{"{'method':'GET','host':'h:1','path':'/host'}", "allow host"},
		{"{'method':'GET','host':'H','path':'/host','headers':{'host':'other'}}",
	         "allow host"},
		{"{'method':'GET','host':'other','path':'/host','headers':{'host':'h',"
	         "':authority':'h'}}",
	         "deny no_policy_matched"},
		{"{'method':'GET','host':'v:8443','path':'/port'}", "allow port"},
		{"{'method':'GET','host':'[2001:db8::1]:1','path':'/port'}", "allow port"},
		{"{'method':'GET','host':'va','path':'/port'}", "deny no_policy_matched"},
		{"{'kind':'tcp','src':'10.0.0.1'}", "deny no_policy_matched"},
	};
	check_rows("{'policies':["
	           "{'name':'own','action':'ALLOW','rules':[{'to':[{'operation':{'paths':["
	           "'/of/{id}','/rest/{id=**}']}}],"
	           "'when':[{'key':'path[id]','valuesFrom':'request.auth.claims[sub]'}]}]},"
	           "{'name':'header','action':'ALLOW','rules':[{'to':[{'operation':{'paths':["
	           "'/headers']}}],'when':[{'key':'request.headers[x-role]','values':['admin']},"
	           "{'key':'request.headers[x-bad]','notValues':['1']}]}]},"
	           "{'name':'host','action':'ALLOW','rules':[{'to':[{'operation':{'paths':["
	           "'/host']}}],'when':[{'key':'request.headers[:authority]','values':['h']},"
	           "{'key':'request.headers[:method]','notValues':['PUT']}]}]},"
	           "{'name':'port','action':'ALLOW','rules':[{'to':[{'operation':{'paths':["
	           "'/port'],'hosts':['v:*','[2001:db8::1]:*']}}]}]}]}",
	           rows, ARRAY_LEN(rows));
}

/* One ALLOW policy with one condition; what the request needs to pass it. */
static void conditions_hold_as_the_table_says(void **state)
{
	(void)state;
	static const struct {
		const char *rule;
		const char *request;
		bool holds;
	} rows[] = {
		{"{}", "{" GET ",'path':'/'}", true},
		{"{'to':[{'operation':{'hosts':['SHOP.example']}}]}", "{" GET ",'path':'/'}", true},
		{"{'to':[{'operation':{'hosts':['*.example']}}]}", "{" GET ",'path':'/'}", true},
		{"{'to':[{'operation':{'notHosts':['shop.*']}}]}", "{" GET ",'path':'/'}", false},
		{"{'to':[{'operation':{'notHosts':['x']}}]}", "{'method':'GET','path':'/'}", false},
		{"{'to':[{'operation':{'methods':['G*']}}]}", "{" GET ",'path':'/'}", true},
		{"{'to':[{'operation':{'notMethods':['PUT']}}]}", "{" GET ",'path':'/'}", true},
		{"{'to':[{'operation':{'paths':['/a*'],'notPaths':['/ab']}}]}",
	         "{" GET ",'path':'/ab'}", false},
		{"{'to':[{'operation':{'paths':['/a*'],'notPaths':['/ab']}}]}",
	         "{" GET ",'path':'/ac'}", true},
		{"{'to':[{'operation':{'ports':['443']}}]}", "{" GET ",'path':'/','dst_port':443}",
	         true},
		{"{'to':[{'operation':{'ports':['443']}}]}", "{" GET ",'path':'/','dst_port':80}",
	         false},
		{"{'to':[{'operation':{'notPorts':['443']}}]}", "{" GET ",'path':'/'}", false},
		{"{'from':[{'source':{'ipBlocks':['10.0.0.0/8']}}]}", "{" GET ",'path':'/'}", true},
		{"{'from':[{'source':{'notIpBlocks':['10.0.0.0/8']}}]}", "{" GET ",'path':'/'}",
	         false},
		{"{'from':[{'source':{'notIpBlocks':['10.0.0.0/8']}}]}",
	         "{'method':'GET','host':'h','path':'/'}", false},
		{"{'from':[{'source':{'ipBlocks':['10.0.0.0/8']}}]}",
	         "{'method':'GET','host':'h','path':'/','src':'::ffff:10.9.9.9'}", true},
		{"{'from':[{'source':{'remoteIpBlocks':['2001:db8::/32']}}]}",
	         "{'method':'GET','host':'h','path':'/','src':'2001:db8::7'}", true},
		{"{'from':[{'source':{'requestPrincipals':['*']}}]}",
	         "{" GET ",'path':'/'," BOB "}", true},
		{"{'from':[{'source':{'requestPrincipals':['*/bob']}}]}",
	         "{" GET ",'path':'/'," BOB "}", true},
		{"{'from':[{'source':{'notRequestPrincipals':['*/bob']}}]}",
	         "{" GET ",'path':'/'," BOB "}", false},
		{"{'from':[{'source':{'notRequestPrincipals':['*/bob']}}]}", "{" GET ",'path':'/'}",
	         true},
		{"{'from':[{'source':{'namespaces':['shop'],'trustDomains':['td']}}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", true},
		{"{'from':[{'source':{'namespaces':['shop'],'trustDomains':['td2']}}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", false},
		{"{'from':[{'source':{'serviceAccounts':['shop/a']}}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", true},
		{"{'from':[{'source':{'principals':['td/ns/shop/sa/a']}}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", true},
		{"{'from':[{'source':{'principals':['*/sa/a']}}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", true},
		{"{'from':[{'source':{'principals':['x']}},{'source':{'requestPrincipals':['*']}}]"
	         "}",
	         "{" GET ",'path':'/'," BOB "}", true},
		{"{'when':[{'key':'request.headers[X-Team]','values':['red,blue']}]}",
	         "{" GET ",'path':'/','headers':{'x-team':['red','blue']}}", true},
		{"{'when':[{'key':'request.headers[x-team]','notValues':['red']}]}",
	         "{" GET ",'path':'/','headers':{}}", true},
		{"{'when':[{'key':'request.headers[x-team]','notValues':['red']}]}",
	         "{" GET ",'path':'/'}", false},
		{"{'when':[{'key':'source.ip','values':['10.1.2.3']}]}", "{" GET ",'path':'/'}",
	         true},
		{"{'when':[{'key':'remote.ip','notValues':['10.1.0.0/16']}]}",
	         "{" GET ",'path':'/'}", false},
		{"{'when':[{'key':'source.namespace','values':['shop']}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", true},
		{"{'when':[{'key':'source.principal','values':['spiffe://td/*']}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", true},
		{"{'when':[{'key':'source.serviceAccount','values':['shop/a']}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", true},
		{"{'when':[{'key':'source.trustDomain','notValues':['td']}]}",
	         "{" GET ",'path':'/','workload':'spiffe://td/ns/shop/sa/a'}", false},
		{"{'when':[{'key':'request.auth.principal','values':['https://idp/alice']}]}",
	         "{" GET ",'path':'/'," ALICE "}", true},
		{"{'when':[{'key':'request.auth.audiences','values':['orders']}]}",
	         "{" GET ",'path':'/'," ALICE "}", true},
		{"{'when':[{'key':'request.auth.presenter','values':['shop']}]}",
	         "{" GET ",'path':'/'," ALICE "}", true},
		{"{'when':[{'key':'request.auth.claims[groups]','values':['ops']}]}",
	         "{" GET ",'path':'/'," ALICE "}", true},
		{"{'when':[{'key':'request.auth.claims[groups]','notValues':['ops']}]}",
	         "{" GET ",'path':'/'," ALICE "}", false},
		{"{'when':[{'key':'request.auth.claims[scope]','values':['write']}]}",
	         "{" GET ",'path':'/'," ALICE "}", true},
		{"{'when':[{'key':'request.auth.claims[scope]','values':['read write']}]}",
	         "{" GET ",'path':'/'," ALICE "}", false},
		{"{'when':[{'key':'request.auth.claims[level]','values':['3']}]}",
	         "{" GET ",'path':'/'," ALICE "}", true},
		{"{'when':[{'key':'request.auth.claims[beta]','values':['true']}]}",
	         "{" GET ",'path':'/'," ALICE "}", true},
		{"{'when':[{'key':'request.auth.claims[a][b]','values':['c']}]}",
	         "{" GET ",'path':'/'," ALICE "}", true},
		{"{'when':[{'key':'request.auth.claims[a]','notValues':['c']}]}",
	         "{" GET ",'path':'/'," ALICE "}", false},
		{"{'when':[{'key':'request.auth.claims[none]','values':['*']}]}",
	         "{" GET ",'path':'/'," ALICE "}", false},
		{"{'when':[{'key':'request.auth.claims[role]','values':['admin'],'notValues':['"
	         "admin']}"
	         "]}",
	         "{" GET ",'path':'/'," ALICE "}", false},
		{"{'when':[{'key':'destination.port','values':['8443']}]}",
	         "{" GET ",'path':'/','dst_port':8443}", true},
		{"{'when':[{'key':'destination.ip','values':['192.0.2.0/24']}]}",
	         "{" GET ",'path':'/','dst':'192.0.2.9'}", true},
		{"{'when':[{'key':'destination.ip','values':['192.0.2.0/24']}]}",
	         "{" GET ",'path':'/'}", false},
		{"{'when':[{'key':'connection.sni','values':['*.example']}]}",
	         "{" GET ",'path':'/','sni':'a.example'}", true},
		{"{'to':[{'operation':{'paths':['/u/{a}/{b}']}}],'when':[{'key':'path[a]',"
	         "'valuesFrom':['path[b]']}]}",
	         "{" GET ",'path':'/u/x%20y/x%20y'}", true},
		{"{'to':[{'operation':{'paths':['/u/{a}/{b}']}}],'when':[{'key':'path[a]',"
	         "'valuesFrom':'path[b]'}]}",
	         "{" GET ",'path':'/u/x/y'}", false},
		{"{'to':[{'operation':{'paths':['/{who}/x','/u/"
	         "{who}']}}],'when':[{'key':'path[who]',"
	         "'values':['x']}]}",
	         "{" GET ",'path':'/u/x'}", true},
		{"{'to':[{'operation':{'methods':['PUT']}},{'operation':{'paths':['/']}}]}",
	         "{" GET ",'path':'/'}", true},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = NULL;
		assert_true(asprintf(&text,
		                     "{'policies':[{'name':'p','action':'ALLOW','rules':[%s]}]}",
		                     rows[i].rule) > 0);
		struct authz *set = set_of(text);
		char *line = judged(set, rows[i].request);
		bool holds = strcmp(line, "allow p") == 0;
		if (holds != rows[i].holds)
			print_message("%s\n%s\n%s\n", rows[i].rule, rows[i].request, line);
		assert_int_equal(holds, rows[i].holds);
		free(line);
		authz_free(set);
		free(text);
	}
}

/* Not told by HAProxy, or not there on TCP: no help for ALLOW, no way around DENY. */
static void what_is_not_known_fails_closed(void **state)
{
	(void)state;
	static const char *const conditions[] = {
		"'to':[{'operation':{'paths':['/a']}}]",
		"'to':[{'operation':{'paths':['/a/{x}/{**}']}}]",
		"'to':[{'operation':{'notPaths':['/a']}}]",
		"'to':[{'operation':{'hosts':['a']}}]",
		"'to':[{'operation':{'hosts':['a'],'paths':['/{**}']}}]",
		"'to':[{'operation':{'notHosts':['a']}}]",
		"'to':[{'operation':{'methods':['PUT']}}]",
		"'to':[{'operation':{'notMethods':['PUT']}}]",
		"'from':[{'source':{'requestPrincipals':['a']}}]",
		"'from':[{'source':{'notRequestPrincipals':['a']}}]",
		"'from':[{'source':{'ipBlocks':['10.0.0.1']}}]",
		"'from':[{'source':{'notIpBlocks':['10.0.0.1']}}]",
		"'when':[{'key':'request.headers[a]','values':['b']}]",
		"'when':[{'key':'request.headers[a]','notValues':['b']}]",
		"'when':[{'key':'request.auth.claims[a]','values':['b']}]",
		"'when':[{'key':'request.auth.claims[a]','notValues':['b']}]",
		"'when':[{'key':'destination.port','values':['1']}]",
		"'when':[{'key':'destination.ip','notValues':['1.2.3.4']}]",
		"'when':[{'key':'source.ip','valuesFrom':'destination.ip'}]",
	};
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		for (int deny = 0; deny < 2; deny++) {
			char *text = NULL;
			assert_true(asprintf(&text,
			                     "{'defaultAction':'ALLOW','policies':[{'name':'p',"
			                     "'action':'%s','rules':[{%s}]}]}",
			                     deny ? "DENY" : "ALLOW", conditions[i]) > 0);
			struct authz *set = set_of(text);
			char *line = judged(set, "{'kind':'tcp'}");
			if (strncmp(line, "deny ", 5) != 0)
				print_message("%s\n", text);
			assert_string_equal(line, deny ? "deny p" : "deny no_policy_matched");
			free(line);
			authz_free(set);
			free(text);
		}
	}
}

static void an_allow_policy_ends_the_default(void **state)
{
	(void)state;
	static const struct row with[] = {
		{"{" GET ",'path':'/x'}", "deny no_policy_matched"},
		{"{" GET ",'path':'/y'}", "allow p"},
	};
	check_rows("{'defaultAction':'ALLOW','policies':[{'name':'p','action':'ALLOW','rules':[{"
	           "'to':[{'operation':{'paths':['/y']}}]}]}]}",
	           with, ARRAY_LEN(with));
	static const struct row nothing[] = {{"{" GET ",'path':'/x'}", "deny no_policy_matched"}};
	check_rows("{'defaultAction':'ALLOW','policies':[{'name':'p','action':'ALLOW'}]}", nothing,
	           ARRAY_LEN(nothing));
	static const struct row without[] = {{"{" GET ",'path':'/x'}", "allow default_allowed"}};
	check_rows("{'defaultAction':'ALLOW','policies':[]}", without, ARRAY_LEN(without));
	static const struct row empty[] = {{"{" GET ",'path':'/x'}", "deny no_policy_matched"}};
	check_rows("{}", empty, ARRAY_LEN(empty));
}

static void an_issuer_says_which_claims_are_words(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{" GET ",'path':'/','claims':{'iss':'i','sub':'a','roles':'x y'}}", "allow p"},
		{"{" GET ",'path':'/','claims':{'iss':'j','sub':'a','roles':'x y'}}",
	         "deny no_policy_matched"},
		{"{" GET ",'path':'/','claims':{'iss':'i','sub':'a','roles':'xy'}}",
	         "deny no_policy_matched"},
	};
	check_rows("{'issuers':[{'issuer':'i','spaceDelimitedClaims':['roles']},{'issuer':'j'}],"
	           "'policies':[{'name':'p','action':'ALLOW','rules':[{'when':[{'key':"
	           "'request.auth.claims[roles]','values':['y']}]}]}]}",
	           rows, ARRAY_LEN(rows));
}

static void the_narrowest_service_is_found(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		const char *service;
	} rows[] = {
		{"{'host':'a.example','path':'/v1/x'}", "exact-v1"},
		{"{'host':'A.EXAMPLE:443','path':'/v2/x'}", "exact"},
		{"{'host':'b.example','path':'/v1/x'}", "suffix"},
		{"{'host':'c.other','path':'/v1/x'}", "path"},
		{"{'host':'c.other','path':'/v1/special'}", "path-exact"},
		{"{'host':'c.other','path':'/v1/special/7'}", "path-template"},
		{"{'host':'c.deep.example','path':'/'}", "suffix-long"},
		{"{'host':'c.other','path':'/else'}", ""},
	};
	struct authz *set = set_of(
		"{'services':[{'name':'suffix','hosts':['*.example']},{'name':'exact','hosts':['a."
		"example']},{'name':'exact-v1','hosts':['a.example'],'paths':['/v1/*']},{'name':"
		"'path','paths':['/v1/*']},{'name':'path-exact','paths':['/v1/special']},{'name':"
		"'path-template','paths':['/v1/special/{id}']},{'name':'suffix-long','hosts':['*."
		"deep.example']}]}");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = unquoted(rows[i].request);
		json_t *in = json_load_strict(sv_of(text), 0, NULL);
		struct arena scratch;
		assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
		struct verdict v = judge_json(set, in, &scratch);
		print_message("%s\n", rows[i].request);
		assert_true(sv_eq(v.service, sv_of(rows[i].service)));
		arena_fini(&scratch);
		json_decref(in);
		free(text);
	}
	authz_free(set);
}

static void shadow_policies_are_recorded_and_not_obeyed(void **state)
{
	(void)state;
	static const struct {
		const char *action, *mode;
		const char *path;
		bool allowed, has_shadow;
	} rows[] = {
		{"DENY", "shadow", "/a", true, true},    {"DENY", "shadow", "/b", true, false},
		{"DENY", "enforce", "/a", false, false}, {"ALLOW", "shadow", "/c", false, true},
		{"ALLOW", "shadow", "/d", false, false}, {"DENY", "disabled", "/a", true, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = NULL;
		char *request = NULL;
		assert_true(asprintf(&text,
		                     "{\"policies\":[{\"name\":\"base\",\"action\":\"ALLOW\","
		                     "\"rules\":[{\"to\":[{\"operation\":{\"paths\":[\"/a\","
		                     "\"/b\"]}}]}]},{\"name\":\"tried\",\"action\":\"%s\",\"mode\":"
		                     "\"%s\",\"rules\":[{\"to\":[{\"operation\":{\"paths\":[\"/a\","
		                     "\"/c\"]}}]}]}]}",
		                     rows[i].action, rows[i].mode) > 0);
		assert_true(asprintf(&request,
		                     "{\"method\":\"GET\",\"host\":\"h\",\"path\":\"%s\"}",
		                     rows[i].path) > 0);
		struct authz *set = set_of(text);
		json_t *in = json_load_strict(sv_of(request), 0, NULL);
		struct arena scratch;
		assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
		struct verdict v = judge_json(set, in, &scratch);
		assert_int_equal(v.effect == VERDICT_ALLOW, rows[i].allowed);
		assert_int_equal(v.has_shadow, rows[i].has_shadow);
		if (v.has_shadow) {
			assert_int_equal(v.shadow_effect == VERDICT_ALLOW, !rows[i].allowed);
			assert_true(sv_eq(v.shadow_policy, SVL("tried")));
		}
		arena_fini(&scratch);
		json_decref(in);
		authz_free(set);
		free(text);
		free(request);
	}
}

static void a_denial_names_the_nearest_condition(void **state)
{
	(void)state;
	static const struct {
		const char *request;
		const char *policy, *rule, *condition, *value, *expected;
		bool held;
	} rows[] = {
		{"{" GET ",'path':'/orders/7'," ALICE "}", "read", "/policies/0/rules/0",
	         "from.source.requestPrincipals", "https://idp/alice", "https://idp/*", true},
		{"{" GET ",'path':'/orders/7','claims':{'iss':'https://evil','sub':'x'}}", "read",
	         "/policies/0/rules/0", "from.source.requestPrincipals", "https://evil/x",
	         "https://idp/*", false},
		{"{'method':'PUT','host':'shop.example','path':'/orders/of/bob'," ALICE "}", "own",
	         "/policies/1/rules/0", "when[0] path[who]", "bob",
	         "what request.auth.claims[sub] has", false},
		{"{" GET ",'path':'/orders/13'," ALICE "}", "not-13", "/policies/3/rules/0",
	         "to.operation.paths", "/orders/13", "/orders/13", true},
		{"{" GET ",'path':'/orders/..'}", "", "", "path", "/orders/..",
	         "dot segment in the path", false},
	};
	struct authz *set = set_of(shop);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = unquoted(rows[i].request);
		json_t *in = json_load_strict(sv_of(text), 0, NULL);
		struct arena scratch;
		assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
		struct verdict v = judge_json(set, in, &scratch);
		print_message("%s\n", rows[i].request);
		assert_int_equal(v.n_why, 1);
		assert_true(sv_eq(v.why[0].policy, sv_of(rows[i].policy)));
		assert_true(sv_eq(v.why[0].rule, sv_of(rows[i].rule)));
		assert_true(sv_eq(v.why[0].condition, sv_of(rows[i].condition)));
		assert_true(sv_eq(v.why[0].value, sv_of(rows[i].value)));
		assert_true(sv_eq(v.why[0].expected, sv_of(rows[i].expected)));
		assert_int_equal(v.why[0].held, rows[i].held);
		arena_fini(&scratch);
		json_decref(in);
		free(text);
	}
	authz_free(set);
}

/* Of many rules too, one that only the method keeps away is nearer than the first. */
static void of_many_rules_the_nearest_is_named(void **state)
{
	(void)state;
	struct strbuf text = strbuf_with(1 << 20);
	strbuf_add(&text, SVL("{\"policies\":["));
	for (int i = 0; i < 100; i++)
		strbuf_addf(&text,
		            "%s{\"name\":\"p%d\",\"action\":\"ALLOW\",\"rules\":[{\"to\":[{"
		            "\"operation\":{\"methods\":[\"GET\"],\"paths\":[\"/c%d/{id}\"]}}]}]}",
		            i ? "," : "", i, i);
	strbuf_add(&text, SVL("]}"));
	struct authz *set = set_of(text.at);
	char *request = unquoted("{'method':'PUT','host':'h','path':'/c70/1'}");
	json_t *in = json_load_strict(sv_of(request), 0, NULL);
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	struct verdict v = judge_json(set, in, &scratch);
	assert_true(sv_eq(v.why[0].policy, SVL("p70")));
	assert_true(sv_eq(v.why[0].condition, SVL("to.operation.methods")));
	assert_true(sv_eq(v.route, SVL("/c70/{id}")));
	arena_fini(&scratch);
	json_decref(in);
	free(request);
	strbuf_fini(&text);
	authz_free(set);
}

static void secrets_are_not_explained(void **state)
{
	(void)state;
	struct authz *set = set_of("{'policies':[{'name':'p','action':'ALLOW','rules':[{'when':[{"
	                           "'key':'request.headers[x-api-key]','values':['other']}]}]}]}");
	char *text = unquoted("{" GET ",'path':'/','headers':{'x-api-key':'hunter2'}}");
	json_t *in = json_load_strict(sv_of(text), 0, NULL);
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	struct verdict v = judge_json(set, in, &scratch);
	assert_true(sv_eq(v.why[0].value, SVL("(hidden)")));
	arena_fini(&scratch);
	json_decref(in);
	free(text);
	authz_free(set);
}

static void a_full_scratch_denies(void **state)
{
	(void)state;
	struct strbuf text = strbuf_with(1 << 20);
	strbuf_add(&text, SVL("{\"policies\":["));
	for (int i = 0; i < 500; i++)
		strbuf_addf(&text, "%s{\"name\":\"p%d\",\"action\":\"ALLOW\",\"rules\":[{}]}",
		            i ? "," : "", i);
	strbuf_add(&text, SVL("]}"));
	struct authz *set = set_of(text.at);
	char *request = unquoted("{" GET ",'path':'/'}");
	json_t *in = json_load_strict(sv_of(request), 0, NULL);
	struct arena scratch;
	assert_int_equal(arena_init(&scratch, 512), 0);
	struct verdict v = judge_json(set, in, &scratch);
	assert_int_equal(v.reason, REASON_OVERLOADED);
	assert_int_not_equal(v.effect, VERDICT_ALLOW);
	arena_fini(&scratch);
	json_decref(in);
	free(request);
	strbuf_fini(&text);
	authz_free(set);
}

/* Each service reads paths its own way; one that two of them would take, each by its own reading, is nobody's. */
static void services_read_paths_as_they_say(void **state)
{
	(void)state;
	static const char set[] =
		"{'defaultAction':'ALLOW','services':["
		"{'name':'strict','hosts':['h'],'paths':['/s/*']},"
		"{'name':'raw','hosts':['h'],'paths':['/r/*'],'pathNormalization':'NONE'},"
		"{'name':'base','hosts':['b'],'pathNormalization':'BASE'},"
		"{'name':'merged','hosts':['m'],'pathNormalization':'MERGE_SLASHES'},"
		"{'name':'decoded','hosts':['d'],'pathNormalization':'DECODE_AND_MERGE_SLASHES'}],"
		"'policies':[{'name':'no','action':'DENY','rules':[{'to':[{'operation':{'paths':"
		"['/admin*','/r/admin','/r/%3a']}}]}]}]}";
	static const struct row rows[] = {
		{"{'method':'GET','host':'h','path':'/s/x'}", "allow default_allowed"},
		{"{'method':'GET','host':'h','path':'/s/../x'}", "deny ambiguous_path"},
		{"{'method':'GET','host':'h','path':'/r/../x'}", "allow default_allowed"},
		{"{'method':'GET','host':'h','path':'/r/admin'}", "deny no"},
		{"{'method':'GET','host':'h','path':'/r/%61dmin'}", "allow default_allowed"},
		{"{'method':'GET','host':'h','path':'/r/%3A'}", "deny no"},
		{"{'method':'GET','host':'h','path':'/r/%3a'}", "deny ambiguous_path"},
		{"{'method':'GET','host':'h','path':'/r/%00'}", "deny ambiguous_path"},
		{"{'method':'GET','host':'h','path':'/x'}", "deny no_service"},
		/* strict: merged it is /r/x, which is another's */
		{"{'method':'GET','host':'h','path':'//r/x'}", "deny no_service"},
		{"{'method':'GET','host':'b','path':'/x/../admin'}", "deny no"},
		{"{'method':'GET','host':'b','path':'/x\\\\..\\\\admin'}", "deny no"},
		{"{'method':'GET','host':'b','path':'//admin'}", "allow default_allowed"},
		{"{'method':'GET','host':'b','path':'/x%2f..%2fadmin'}", "allow default_allowed"},
		{"{'method':'GET','host':'m','path':'//admin'}", "deny no"},
		{"{'method':'GET','host':'d','path':'/x%2f..%2fadmin'}", "deny no"},
		{"{'method':'GET','service':'base','path':'/./admin'}", "deny no"},
		{"{'method':'GET','service':'strict','path':'/./admin'}", "deny ambiguous_path"},
		{"{'method':'OPTIONS','service':'raw','path':'*'}", "allow default_allowed"},
		{"{'method':'GET','service':'raw','path':'x'}", "deny ambiguous_path"},
	};
	static const char crossing[] = "{'defaultAction':'ALLOW','services':["
				       "{'name':'strict','paths':['/a/*']},"
				       "{'name':'raw','paths':['*b'],'pathNormalization':'NONE'}]}";
	static const struct row crossed[] = {
		{"{'method':'GET','host':'h','path':'/a/c'}", "allow default_allowed"},
		{"{'method':'GET','host':'h','path':'/x/../b'}", "allow default_allowed"},
		{"{'method':'GET','host':'h','path':'//a/b'}", "deny ambiguous_path"},
	};
	check_rows(set, rows, ARRAY_LEN(rows));
	check_rows(crossing, crossed, ARRAY_LEN(crossed));
}

static void a_set_says_how_paths_are_read(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"{'method':'GET','host':'h','path':'/x/../admin'}", "deny no"},
		{"{'method':'GET','host':'h','path':'/x/..'}", "allow default_allowed"},
	};
	check_rows("{'defaultAction':'ALLOW','pathNormalization':'BASE','policies':[{'name':'no',"
	           "'action':'DENY','rules':[{'to':[{'operation':{'paths':['/admin']}}]}]}]}",
	           rows, ARRAY_LEN(rows));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_order_is_deny_allow_default),
		cmocka_unit_test(a_user_is_asked_for_where_one_could_pass),
		cmocka_unit_test(nobody_gets_around_a_denial),
		cmocka_unit_test(nobody_gets_into_a_grant),
		cmocka_unit_test(conditions_hold_as_the_table_says),
		cmocka_unit_test(what_is_not_known_fails_closed),
		cmocka_unit_test(an_allow_policy_ends_the_default),
		cmocka_unit_test(an_issuer_says_which_claims_are_words),
		cmocka_unit_test(the_narrowest_service_is_found),
		cmocka_unit_test(shadow_policies_are_recorded_and_not_obeyed),
		cmocka_unit_test(a_denial_names_the_nearest_condition),
		cmocka_unit_test(of_many_rules_the_nearest_is_named),
		cmocka_unit_test(secrets_are_not_explained),
		cmocka_unit_test(a_full_scratch_denies),
		cmocka_unit_test(services_read_paths_as_they_say),
		cmocka_unit_test(a_set_says_how_paths_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
