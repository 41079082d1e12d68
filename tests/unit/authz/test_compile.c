#include "authz/authz.h"
#include "support/judging.h"

struct row {
	const char *text;
	const char *pointer;
	const char *code;
};

#define RULE(rule) "{'policies':[{'name':'p','action':'ALLOW','rules':[" rule "]}]}"
#define P          "/policies/0/rules/0"

/* One error each: its place, its line and a stable code. */
static const struct row rows[] = {
	{"{'policies':{}}", "/policies", "wrong_type"},
	{"{'policies':[1]}", "/policies/0", "wrong_type"},
	{"{'services':{}}", "/services", "wrong_type"},
	{"{'defaultAction':'allow'}", "/defaultAction", "unknown_value"},
	{"{'policies':[{'action':'ALLOW'}]}", "/policies/0", "missing_key"},
	{"{'policies':[{'name':'p'}]}", "/policies/0", "missing_key"},
	{"{'policies':[{'name':'','action':'ALLOW'}]}", "/policies/0/name", "bad_name"},
	{"{'policies':[{'name':'a b','action':'ALLOW'}]}", "/policies/0/name", "bad_name"},
	{"{'policies':[{'name':7,'action':'ALLOW'}]}", "/policies/0/name", "bad_name"},
	{"{'policies':[{'name':'p','action':'AUDIT'}]}", "/policies/0/action", "unknown_value"},
	{"{'policies':[{'name':'p','action':'ALLOW','mode':'on'}]}", "/policies/0/mode",
         "unknown_value"},
	{"{'policies':[{'name':'p','action':'DENY'}]}", "/policies/0", "missing_rules"},
	{"{'policies':[{'name':'p','action':'ALLOW','rule':[]}]}", "/policies/0/rule",
         "unknown_key"},
	{"{'policies':[{'name':'p','action':'ALLOW'},{'name':'p','action':'ALLOW'}]}",
         "/policies/1/name", "doubled_name"},
	{"{'policies':[{'name':'p','action':'ALLOW','services':['x']}]}", "/policies/0/services/0",
         "unknown_service"},
	{"{'policies':[{'name':'p','action':'ALLOW','services':[]}]}", "/policies/0/services",
         "empty_list"},
	{"{'policies':[{'name':'p','action':'ALLOW','selector':{'matchLabels':{'a':'b'}}}]}",
         "/policies/0/selector/matchLabels", "no_service"},
	{"{'services':[{'name':'a'},{'name':'a'}]}", "/services/1/name", "doubled_name"},
	{"{'services':[{'hosts':['a']}]}", "/services/0", "missing_key"},
	{"{'services':[{'name':'a','hosts':['a:80']}]}", "/services/0/hosts/0", "bad_value"},
	{"{'services':[{'name':'a','paths':['a']}]}", "/services/0/paths/0", "bad_path"},
	{"{'services':[{'name':'a','labels':{'x':1}}]}", "/services/0/labels/x", "wrong_type"},
	{"{'services':[{'name':'a','defaultAction':'MAYBE'}]}", "/services/0/defaultAction",
         "unknown_value"},
	{RULE("{'condition':true}"), P "/condition", "wrong_type"},
	{RULE("{'condition':'tru'}"), P "/condition", "bad_condition"},
	{RULE("{'from':[]}"), P "/from", "empty_list"},
	{RULE("{'to':[]}"), P "/to", "empty_list"},
	{RULE("{'when':[]}"), P "/when", "empty_list"},
	{RULE("{'from':[{}]}"), P "/from/0", "missing_key"},
	{RULE("{'from':[{'source':{}}]}"), P "/from/0/source", "empty_object"},
	{RULE("{'to':[{'operation':{}}]}"), P "/to/0/operation", "empty_object"},
	{RULE("{'to':[{'operations':{'paths':['/']}}]}"), P "/to/0", "missing_key"},
	{RULE("{'from':[{'source':{'principal':['a']}}]}"), P "/from/0/source/principal",
         "unknown_key"},
	{RULE("{'from':[{'source':{'principals':[]}}]}"), P "/from/0/source/principals",
         "empty_list"},
	{RULE("{'from':[{'source':{'principals':['']}}]}"), P "/from/0/source/principals/0",
         "wrong_length"},
	{RULE("{'from':[{'source':{'principals':['a*b']}}]}"), P "/from/0/source/principals/0",
         "bad_value"},
	{RULE("{'from':[{'source':{'principals':'a'}}]}"), P "/from/0/source/principals",
         "wrong_type"},
	{RULE("{'from':[{'source':{'ipBlocks':['10.0.0.1/8']}}]}"), P "/from/0/source/ipBlocks/0",
         "bad_value"},
	{RULE("{'from':[{'source':{'ipBlocks':['x']}}]}"), P "/from/0/source/ipBlocks/0",
         "bad_value"},
	{RULE("{'from':[{'source':{'serviceAccounts':['a*/b']}}]}"),
         P "/from/0/source/serviceAccounts/0", "bad_value"},
	{RULE("{'from':[{'source':{'serviceAccounts':['a']}}]}"),
         P "/from/0/source/serviceAccounts/0", "bad_value"},
	{RULE("{'from':[{'source':{'serviceAccounts':['a/b'],'namespaces':['a']}}]}"),
         P "/from/0/source", "conflict"},
	{RULE("{'to':[{'operation':{'methods':['get']}}]}"), P "/to/0/operation/methods/0",
         "bad_value"},
	{RULE("{'to':[{'operation':{'ports':['0']}}]}"), P "/to/0/operation/ports/0", "bad_value"},
	{RULE("{'to':[{'operation':{'ports':['80*']}}]}"), P "/to/0/operation/ports/0",
         "bad_value"},
	{RULE("{'to':[{'operation':{'ports':[80]}}]}"), P "/to/0/operation/ports/0", "wrong_type"},
	{RULE("{'to':[{'operation':{'hosts':['a:80']}}]}"), P "/to/0/operation/hosts/0",
         "bad_value"},
	{RULE("{'to':[{'operation':{'hosts':['a:8*']}}]}"), P "/to/0/operation/hosts/0",
         "bad_value"},
	{RULE("{'to':[{'operation':{'hosts':['*:80']}}]}"), P "/to/0/operation/hosts/0",
         "bad_value"},
	{RULE("{'to':[{'operation':{'hosts':['a..']}}]}"), P "/to/0/operation/hosts/0",
         "bad_value"},
	{RULE("{'to':[{'operation':{'hosts':['%61']}}]}"), P "/to/0/operation/hosts/0",
         "bad_value"},
	{RULE("{'to':[{'operation':{'hosts':['caf\xc3\xa9']}}]}"), P "/to/0/operation/hosts/0",
         "bad_value"},
	{RULE("{'when':[{'key':'request.headers[:path]','values':['a']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'request.headers[:scheme]','values':['a']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'request.headers[x y]','values':['a']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'request.headers[x,y]','values':['a']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'source.serviceAccount','values':['/sa']}]}"), P "/when/0/values/0",
         "bad_value"},
	{RULE("{'when':[{'key':'source.serviceAccount','values':['sa']}]}"), P "/when/0/values/0",
         "bad_value"},
	{RULE("{'when':[{'key':'source.serviceAccount','values':['ns/*']}]}"), P "/when/0/values/0",
         "bad_value"},
	{RULE("{'when':[{'key':'request.headers[host]','values':['a:1']}]}"), P "/when/0/values/0",
         "bad_value"},
	{RULE("{'when':[{'key':'request.headers[:method]','values':['get']}]}"),
         P "/when/0/values/0", "bad_value"},
	{RULE("{'to':[{'operation':{'hosts':['a b']}}]}"), P "/to/0/operation/hosts/0",
         "bad_value"},
	{RULE("{'to':[{'operation':{'paths':['/a/{b}.txt']}}]}"), P "/to/0/operation/paths/0",
         "bad_path"},
	{RULE("{'to':[{'operation':{'notPaths':['a']}}]}"), P "/to/0/operation/notPaths/0",
         "bad_path"},
	{RULE("{'when':[{'key':'source.ip'}]}"), P "/when/0", "missing_key"},
	{RULE("{'when':[{'values':['a']}]}"), P "/when/0", "missing_key"},
	{RULE("{'when':[{'key':'request.header[a]','values':['a']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'request.headers','values':['a']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'request.headers[]','values':['a']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'request.headers[a][b]','values':['a']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'source.ip[a]','values':['1.1.1.1']}]}"), P "/when/0/key",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'source.ip','values':['a']}]}"), P "/when/0/values/0", "bad_value"},
	{RULE("{'when':[{'key':'source.namespace','valuesFrom':'x'}]}"), P "/when/0/valuesFrom",
         "unknown_attribute"},
	{RULE("{'when':[{'key':'source.namespace','valuesFrom':[]}]}"), P "/when/0/valuesFrom",
         "empty_list"},
	{RULE("{'when':[{'key':'path[id]','values':['a']}]}"), P "/when", "unbound_capture"},
	{RULE("{'to':[{'operation':{'paths':['/{id}','/x']}}],'when':[{'key':'path[id]',"
              "'values':['a']}]}"),
         P "/when", "unbound_capture"},
};

static bool has_item(const struct diag *d, const struct row *row)
{
	for (size_t i = 0; i < d->n; i++)
		if (strcmp(d->items[i].pointer, row->pointer) == 0 &&
		    strcmp(d->items[i].code, row->code) == 0 && d->items[i].line > 0)
			return true;
	return false;
}

static void errors_have_their_place(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = unquoted(rows[i].text);
		struct diag d = diag_over("test", sv_of(text));
		struct authz *set = NULL;
		int r = compile_set_text(text, &d, &set);
		if (r != -EINVAL || !has_item(&d, &rows[i])) {
			print_message("%s\n", rows[i].text);
			diag_print(&d, stderr);
		}
		assert_int_equal(r, -EINVAL);
		assert_true(has_item(&d, &rows[i]));
		assert_null(set);
		diag_fini(&d);
		free(text);
	}
}

static void all_errors_are_reported_at_once(void **state)
{
	(void)state;
	char *text = unquoted("{'services':[{'name':'a','hots':[]}],'policies':[{'name':'p',"
	                      "'action':'ALOW','rules':[{'to':[{'operation':{'paths':['x','y']}}],"
	                      "'when':[{'key':'nothing','values':['a']}]}]}]}");
	struct diag d = diag_over("test", sv_of(text));
	struct authz *set = NULL;
	assert_int_equal(compile_set_text(text, &d, &set), -EINVAL);
	assert_int_equal(d.n, 5);
	assert_non_null(strstr(d.items[0].message, "'hosts'"));
	diag_fini(&d);
	free(text);
}

static void labels_select_services(void **state)
{
	(void)state;
	struct authz *set = set_of(
		"{'services':[{'name':'a','labels':{'app':'x','v':'1'}},{'name':'b','labels':{"
		"'app':'x'}},{'name':'c'}],'policies':[{'name':'p','action':'ALLOW','selector':{"
		"'matchLabels':{'app':'x'}},'rules':[{}]},{'name':'q','action':'DENY','selector':{"
		"'matchLabels':{'app':'x','v':'1'}},'rules':[{}]}]}");
	static const struct {
		const char *request, *line;
	} cases[] = {
		{"{'service':'a','host':'h','path':'/','method':'GET'}", "deny q"},
		{"{'service':'b','host':'h','path':'/','method':'GET'}", "allow p"},
		{"{'service':'c','host':'h','path':'/','method':'GET'}", "deny no_policy_matched"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *line = judged(set, cases[i].request);
		assert_string_equal(line, cases[i].line);
		free(line);
	}
	assert_int_equal(authz_count(set).policies, 2);
	assert_int_equal(authz_count(set).services, 3);
	assert_int_equal(authz_count(set).rules, 2);
	authz_free(set);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(errors_have_their_place),
		cmocka_unit_test(all_errors_are_reported_at_once),
		cmocka_unit_test(labels_select_services),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
