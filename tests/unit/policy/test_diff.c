#include "core/jsonload.h"
#include "policy/diff.h"
#include "support/judging.h"

static json_t *document(const char *quoted)
{
	char *text = unquoted(quoted);
	struct diag d = diag_over("test", sv_of(text));
	json_t *json = json_load_strict(sv_of(text), 0, &d);
	if (!json)
		diag_print(&d, stderr);
	assert_non_null(json);
	diag_fini(&d);
	free(text);
	return json;
}

/* "changed policies p wider" a line */
static char *summary(const json_t *changes)
{
	char *text = NULL;
	size_t n, i;
	json_t *one;
	FILE *to = open_memstream(&text, &n);
	assert_non_null(to);
	json_array_foreach(changes, i, one)
	{
		const char *name = json_string_value(json_object_get(one, "name"));
		fprintf(to, "%s%s %s %s %s", i ? "; " : "",
		        json_string_value(json_object_get(one, "change")),
		        json_string_value(json_object_get(one, "member")), name ? name : "-",
		        json_string_value(json_object_get(one, "effect")));
	}
	fclose(to);
	return text;
}

static void check(const char *from, const char *to, const char *wanted)
{
	json_t *old = document(from), *now = document(to);
	json_t *changes = policy_diff(old, now);
	assert_non_null(changes);
	char *text = summary(changes);
	if (strcmp(text, wanted) != 0)
		print_message("%s\n%s\n", from, to);
	assert_string_equal(text, wanted);
	free(text);
	json_decref(changes);
	json_decref(old);
	json_decref(now);
}

static void what_does_not_matter_is_no_difference(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
	} rows[] = {
		{"{}", "{}"},
		{"{}", "{'$schema':'x','apiVersion':'haward/v1'}"},
		{"{'policies':[]}", "{}"},
		{"{'policies':[{'name':'a','action':'ALLOW'},{'name':'b','action':'DENY','rules':[{"
	         "}]}]}",
	         "{'policies':[{'name':'b','rules':[{}],'action':'DENY'},{'action':'ALLOW','name':'"
	         "a'}]}"},
		{"{'policies':[{'name':'a','action':'ALLOW'}]}",
	         "{'policies':[{'name':'a','action':'ALLOW','mode':'enforce','percent':100,'rules':"
	         "[]}]}"},
		{"{'policies':[{'name':'a','action':'ALLOW','services':['x','y'],'rules':[{'to':[{'"
	         "operation':{'methods':['GET','PUT'],'paths':['/a','/"
	         "b']}},{'operation':{'hosts':['h']}}]"
	         "},{'when':[{'key':'source.ip','values':['::1','::2']}]}]}]}",
	         "{'policies':[{'name':'a','action':'ALLOW','services':['y','x'],'rules':[{'when':["
	         "{'"
	         "values':['::2','::1'],'key':'source.ip'}]},{'to':[{'operation':{'hosts':['h']}},{"
	         "'"
	         "operation':{'paths':['/b','/a'],'methods':['PUT','GET']}}]}]}]}"},
		{"{'roles':[{'name':'a','bindings':[{'groups':['a','b']},{'clients':['c']}]}]}",
	         "{'roles':[{'name':'a','bindings':[{'clients':['c']},{'groups':['b','a']}]}]}"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		check(rows[i].from, rows[i].to, "");
		check(rows[i].to, rows[i].from, "");
	}
}

static void differences_are_told_by_name(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to, *wanted;
	} rows[] = {
		{"{'policies':[{'name':'a','action':'ALLOW'}]}",
	         "{'policies':[{'name':'b','action':'ALLOW'}]}",
	         "added policies b wider; removed policies a narrower"},
		{"{}", "{'services':[{'name':'x'}],'issuers':[{'issuer':'https://i'}]}",
	         "added services x unsure; added issuers https://i unsure"},
		{"{'services':[{'name':'x'},{'name':'y'}]}",
	         "{'services':[{'name':'y'},{'name':'x'}]}", "reordered services - unsure"},
		{"{'credentialPrecedence':['basic','bearer']}",
	         "{'credentialPrecedence':['bearer','basic']}",
	         "changed credentialPrecedence - unsure"},
		{"{'defaultAction':'ALLOW'}", "{}", "removed defaultAction - narrower"},
		{"{'defaultAction':'DENY'}", "{'defaultAction':'ALLOW'}",
	         "changed defaultAction - wider"},
		{"{'types':{'order':{}}}", "{'types':{'order':{'owner':{'types':['user']}}}}",
	         "changed types - unsure"},
		/* two of one name: compared as they stand */
		{"{'policies':[{'name':'a','action':'ALLOW'},{'name':'a','action':'ALLOW'}]}",
	         "{'policies':[]}", "changed policies - unsure"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		check(rows[i].from, rows[i].to, rows[i].wanted);
}

#define POLICY(action, more) "{'policies':[{'name':'p','action':'" action "'" more "}]}"
#define RULES(rules)         ",'rules':[" rules "]"
#define TO(lists)            "{'to':[{'operation':{" lists "}}]}"
#define FROM(lists)          "{'from':[{'source':{" lists "}}]}"
#define WHEN(more)           "{'when':[{'key':'request.auth.claims[a]'," more "}]}"

/* What a change makes of an ALLOW policy; of a DENY policy the opposite. */
static void effects_are_told_where_they_are_certain(void **state)
{
	(void)state;
	static const struct {
		const char *from, *to;
		const char *allow; /* "" and "x" stand for none and unsure */
	} rows[] = {
		{RULES(TO("'methods':['GET']")), RULES(TO("'methods':['GET','PUT']")), "wider"},
		{RULES(TO("'notMethods':['GET']")), RULES(TO("'notMethods':['GET','PUT']")),
	         "narrower"},
		{RULES(TO("'methods':['GET']")), RULES(TO("'methods':['GET'],'paths':['/a']")),
	         "narrower"},
		{RULES(TO("'methods':['GET']")), RULES(TO("'methods':['PUT']")), "unsure"},
		{RULES(TO("'methods':['GET']")),
	         RULES(TO("'methods':['GET','PUT'],'paths':['/a']")), "unsure"},
		{RULES(TO("'methods':['GET']")), RULES("{}"), "wider"},
		{RULES(TO("'methods':['GET']")),
	         RULES(TO("'methods':['GET']") "," TO("'ports':['1']")), "wider"},
		{RULES(FROM("'principals':['a','b']")), RULES(FROM("'principals':['b']")),
	         "narrower"},
		{RULES(FROM("'notPrincipals':['a']")), RULES(FROM("'ipBlocks':['::1']")), "unsure"},
		{RULES(WHEN("'values':['1']")), RULES(WHEN("'values':['1','2']")), "wider"},
		{RULES(WHEN("'notValues':['1']")), RULES(WHEN("'notValues':['1','2']")),
	         "narrower"},
		{RULES(WHEN("'values':['1']")), RULES("{}"), "wider"},
		{RULES("{}"), RULES("{'condition':'true'}"), "narrower"},
		{RULES("{'condition':'true'}"), RULES("{'condition':'false'}"), "unsure"},
		{RULES("{}"), RULES("{'new':1}"), "unsure"},
		{",'services':['a','b']" RULES("{}"), ",'services':['a']" RULES("{}"), "narrower"},
		{",'services':['a']" RULES("{}"), RULES("{}"), "wider"},
		{",'namespace':'a'" RULES("{}"), ",'namespace':'b'" RULES("{}"), "unsure"},
		{",'percent':10" RULES("{}"), ",'percent':20" RULES("{}"), "wider"},
		{",'percent':10" RULES("{}"), ",'percent':0" RULES("{}"), "narrower"},
		{",'mode':'shadow'" RULES("{}"), RULES("{}"), "wider"},
		{",'mode':'shadow'" RULES("{}"), ",'mode':'disabled'" RULES("{}"), "none"},
		{",'x':1" RULES("{}"), ",'x':2" RULES("{}"), "unsure"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows) * 2; i++) {
		const char *action = i % 2 ? "DENY" : "ALLOW";
		const char *effect = rows[i / 2].allow;
		char *texts[2], *wanted;
		if (i % 2 && strcmp(effect, "wider") == 0)
			effect = "narrower";
		else if (i % 2 && strcmp(effect, "narrower") == 0)
			effect = "wider";
		assert_true(asprintf(&texts[0], POLICY("%s", "%s"), action, rows[i / 2].from) > 0);
		assert_true(asprintf(&texts[1], POLICY("%s", "%s"), action, rows[i / 2].to) > 0);
		assert_true(asprintf(&wanted, "changed policies p %s", effect) > 0);
		check(texts[0], texts[1], wanted);
		free(texts[0]);
		free(texts[1]);
		free(wanted);
	}
	check(POLICY("ALLOW", RULES("{}")), POLICY("DENY", RULES("{}")),
	      "changed policies p narrower");
	/* an ALLOW policy more can end what was allowed by default */
	check("{'defaultAction':'ALLOW'}",
	      "{'defaultAction':'ALLOW','policies':[{'name':'p','action':'ALLOW'}]}",
	      "added policies p unsure");
	check("{'defaultAction':'ALLOW'}",
	      "{'defaultAction':'ALLOW','policies':[{'name':'p','action':'DENY','rules':[{}]}]}",
	      "added policies p narrower");
}

static void fields_have_their_places_in_both(void **state)
{
	(void)state;
	json_t *old = document("{'policies':[{'name':'a','action':'ALLOW','rules':[{},{'to':[{'"
	                       "operation':{'methods':['GET','PUT']}}]}]}]}");
	json_t *now = document(
		"{'policies':[{'name':'b','action':'ALLOW'},{'name':'a','action':'ALLOW','mode':'"
		"shadow','rules':[{'to':[{'operation':{'methods':['PUT','PATCH']}}]},{}]}]}");
	json_t *changes = policy_diff(old, now);
	json_t *wanted = document(
		"[{'member':'policies','name':'b','change':'added','from':null,'to':'/policies/"
		"0','effect':'wider','fields':["
		"  "
		"{'change':'added','from':null,'to':'/policies/"
		"0','old':null,'new':{'name':'b','action':'ALLOW'}}]},"
		" {'member':'policies','name':'a','change':'changed','from':'/policies/0','to':'/"
		"policies/1','effect':'narrower','fields':["
		"  "
		"{'change':'changed','from':'/policies/0/rules/1/to/0/operation/methods','to':'/"
		"policies/1/rules/0/to/0/operation/methods','removed':['GET'],'added':['PATCH']},"
		"  "
		"{'change':'added','from':null,'to':'/policies/1/"
		"mode','old':null,'new':'shadow'}]}]");
	if (!json_equal(changes, wanted))
		json_dumpf(changes, stderr, JSON_INDENT(1));
	assert_true(json_equal(changes, wanted));
	json_decref(changes);
	json_decref(wanted);
	json_decref(old);
	json_decref(now);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_does_not_matter_is_no_difference),
		cmocka_unit_test(differences_are_told_by_name),
		cmocka_unit_test(effects_are_told_where_they_are_certain),
		cmocka_unit_test(fields_have_their_places_in_both),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
