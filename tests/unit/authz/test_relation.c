/* Tuples, the model they stand in, and what follows from them; the public cases where they are at hand. */
#include "authz/authz.h"
#include "authz/relation_check.h"
#include "support/judging.h"

#define MODEL                                                                                     \
	"{'user':{},'bot':{},'group':{'member':{'types':['user','group#member','user:*']}},"      \
	"'folder':{'parent':{'types':['folder']},'viewer':{'types':['user'],'rewrite':{'union':[" \
	"{'this':true},{'from':{'relation':'viewer','tupleset':'parent'}}]}}},"                   \
	"'order':{'owner':{'types':['user']},'blocked':{'types':['user','group#member']},"        \
	"'folder':{'types':['folder']},'editor':{'types':['user','group#member']},"               \
	"'viewer':{'types':[],'rewrite':{'difference':[{'union':[{'computed':'owner'},"           \
	"{'computed':'editor'},{'from':{'relation':'viewer','tupleset':'folder'}}]},"             \
	"{'computed':'blocked'}]}},'both':{'types':[],'rewrite':{'intersection':["                \
	"{'computed':'owner'},{'computed':'editor'}]}}}}"

static struct authz *model_of(const char *types)
{
	char text[4096];
	char *json;
	struct authz *set = NULL;
	(void)snprintf(text, sizeof(text), "%s", types);
	json = unquoted(text);
	json_t *root = json_load_strict(sv_of(json), 0, NULL);
	const struct authz_document document = {.types = root, .n_bytes = strlen(json)};
	struct diag d = diag_over("test", sv_of(json));
	int r = authz_compile(&document, &d, &set);
	if (r != 0)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	diag_fini(&d);
	json_decref(root);
	free(json);
	return set;
}

static void add(struct relation_tuples *tuples, const char *text)
{
	struct relation_tuple tuple;
	const char *why = "";
	size_t at;
	if (!relation_tuple_parse(sv_of(text), &tuple, &why, &at))
		print_error("%s: %s\n", text, why);
	assert_true(relation_tuple_parse(sv_of(text), &tuple, &why, &at));
	assert_int_equal(relation_tuples_add(tuples, &tuple), 0);
}

static enum relation_answer ask(const struct relation_model *model,
                                const struct relation_tuples *tuples, const char *question)
{
	struct relation_tuple tuple;
	const char *why;
	size_t at;
	assert_true(relation_tuple_parse(sv_of(question), &tuple, &why, &at));
	const struct relation_question q = {.model = model,
	                                    .tuples = tuples,
	                                    .object = tuple.object,
	                                    .relation = tuple.relation,
	                                    .subject = tuple.subject};
	return relation_check(&q);
}

static void what_follows_holds(void **state)
{
	(void)state;
	static const char *const tuples[] = {
		"order:1#owner@user:anne",         "order:1#editor@group:eu#member",
		"group:eu#member@user:bob",        "group:eu#member@group:ops#member",
		"group:ops#member@user:cid",       "group:ops#member@group:eu#member",
		"order:1#blocked@user:cid",        "folder:a#viewer@user:dan",
		"folder:b#parent@folder:a",        "order:2#folder@folder:b",
		"order:3#editor@group:all#member", "group:all#member@user:*",
		"order:1#editor@user:anne",        "folder:x#parent@folder:y",
		"folder:y#parent@folder:x",        "order:1#owner@bot:eve",
	};
	static const struct {
		const char *question;
		enum relation_answer answer;
	} rows[] = {
		{"order:1#owner@user:anne", RELATION_YES},
		{"order:1#owner@user:bob", RELATION_NO},
		{"order:2#owner@user:anne", RELATION_NO},
		{"order:1#viewer@user:anne", RELATION_YES},
		{"order:1#viewer@user:bob", RELATION_YES},
		{"order:1#editor@user:cid", RELATION_YES},
		{"order:1#viewer@user:cid", RELATION_NO},
		{"order:2#viewer@user:dan", RELATION_YES},
		{"order:2#viewer@user:anne", RELATION_NO},
		{"order:3#viewer@user:anybody", RELATION_YES},
		{"order:1#both@user:anne", RELATION_YES},
		{"order:1#both@user:bob", RELATION_NO},
		{"folder:x#viewer@user:dan", RELATION_NO},
		{"order:1#editor@group:eu#member", RELATION_YES},
		{"group:eu#member@group:eu#member", RELATION_YES},
		{"group:all#member@user:*", RELATION_YES},
		{"order:1#owner@bot:eve", RELATION_NO},
		{"order:1#nothing@user:anne", RELATION_NO},
		{"thing:1#owner@user:anne", RELATION_NO},
	};
	struct authz *set = model_of(MODEL);
	struct relation_tuples *all = relation_tuples_new();
	for (size_t i = 0; i < ARRAY_LEN(tuples); i++)
		add(all, tuples[i]);
	add(all, tuples[0]);
	assert_int_equal(relation_tuples_count(all), ARRAY_LEN(tuples));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum relation_answer found = ask(authz_relations(set), all, rows[i].question);
		if (found != rows[i].answer)
			print_error("%s: %d\n", rows[i].question, (int)found);
		assert_int_equal(found, rows[i].answer);
		assert_int_equal(ask(authz_relations(set), NULL, "order:1#owner@user:anne"),
		                 RELATION_NO);
	}
	relation_tuples_free(all);
	authz_free(set);
}

/* Thirty folders in a row are too deep; whoever is out of reach is not in. */
static void depth_and_visits_are_bounded(void **state)
{
	(void)state;
	char text[128];
	struct authz *set = model_of(MODEL);
	struct relation_tuples *all = relation_tuples_new();
	for (int i = 0; i < 30; i++) {
		(void)snprintf(text, sizeof(text), "folder:%d#parent@folder:%d", i, i + 1);
		add(all, text);
	}
	add(all, "folder:30#viewer@user:anne");
	assert_int_equal(ask(authz_relations(set), all, "folder:10#viewer@user:anne"),
	                 RELATION_YES);
	assert_int_equal(ask(authz_relations(set), all, "folder:0#viewer@user:anne"),
	                 RELATION_LIMIT);
	for (int i = 0; i < RELATION_VISITS_MAX + 100; i++) {
		(void)snprintf(text, sizeof(text), "order:1#editor@group:%d#member", i);
		add(all, text);
	}
	assert_int_equal(ask(authz_relations(set), all, "order:1#editor@user:zoe"), RELATION_LIMIT);
	assert_int_equal(ask(authz_relations(set), all, "order:1#viewer@user:zoe"), RELATION_LIMIT);
	relation_tuples_free(all);
	authz_free(set);
}

static void many_tuples_are_small(void **state)
{
	(void)state;
	enum { N = 100000 };
	char text[128];
	struct authz *set = model_of(MODEL);
	struct relation_tuples *all = relation_tuples_new();
	for (int i = 0; i < N; i++) {
		(void)snprintf(text, sizeof(text), "order:%d#owner@user:%d", i, i % 5000);
		add(all, text);
	}
	relation_tuples_seal(all);
	assert_int_equal(relation_tuples_count(all), N);
	print_message("%zu bytes a tuple\n", relation_tuples_bytes(all) / N);
	assert_true(relation_tuples_bytes(all) / N <= 72);
	assert_int_equal(ask(authz_relations(set), all, "order:77777#owner@user:2777"),
	                 RELATION_YES);
	assert_int_equal(ask(authz_relations(set), all, "order:77777#owner@user:2778"),
	                 RELATION_NO);
	relation_tuples_free(all);
	authz_free(set);
}

static void what_is_no_tuple_has_its_place(void **state)
{
	(void)state;
	static const struct {
		const char *text;
		size_t at;
	} rows[] = {
		{"order:1", 7},
		{"order:1#owner", 13},
		{"order#owner@user:anne", 0},
		{"1:1#owner@user:anne", 0},
		{"order:*#owner@user:anne", 0},
		{"order:#owner@user:anne", 6},
		{"order:1#own er@user:anne", 8},
		{"order:1#owner@anne", 14},
		{"order:1#owner@user:a b", 19},
		{"order:1#owner@group:eu#", 23},
		{"order:1#owner@user:*#member", 20},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct relation_tuple tuple;
		const char *why = NULL;
		size_t at = 99;
		assert_false(relation_tuple_parse(sv_of(rows[i].text), &tuple, &why, &at));
		assert_non_null(why);
		if (at != rows[i].at)
			print_error("%s: %zu\n", rows[i].text, at);
		assert_int_equal(at, rows[i].at);
	}
}

static void models_that_do_not_fit_are_refused(void **state)
{
	(void)state;
	static const struct {
		const char *types, *pointer;
	} rows[] = {
		{"{'a':{'r':{'types':['nobody']}}}", "/types/a/r"},
		{"{'a':{'r':{'types':['a#x']}}}", "/types/a/r"},
		{"{'a':{'r':{'rewrite':{'computed':'x'}}}}", "/types/a/r"},
		{"{'a':{'r':{'rewrite':{'computed':'r'}}}}", "/types/a/r"},
		{"{'a':{'r':{'rewrite':{'computed':'s'}},'s':{'rewrite':{'computed':'r'}}}}",
	         "/types/a/r"},
		{"{'a':{'p':{'types':['a']},'r':{'rewrite':{'from':{'relation':'x','tupleset':'p'}}"
	         "}}}",
	         "/types/a/r"},
		{"{'a':{'r':{'rewrite':{'from':{'relation':'r','tupleset':'p'}}}}}", "/types/a/r"},
		{"{'a':{'r':{'rewrite':{'union':[{'nothing':true}]}}}}",
	         "/types/a/r/rewrite/union/0"},
		{"{'a':{'r':{'types':['a:*#x']}}}", "/types/a/r/types/0"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *json = unquoted(rows[i].types);
		json_t *root = json_load_strict(sv_of(json), 0, NULL);
		const struct authz_document document = {.types = root, .n_bytes = strlen(json)};
		struct diag d = diag_over("test", sv_of(json));
		struct authz *set = NULL;
		assert_int_equal(authz_compile(&document, &d, &set), -EINVAL);
		assert_true(d.n > 0);
		if (strcmp(d.items[0].pointer, rows[i].pointer) != 0)
			print_error("%s: %s\n", rows[i].types, d.items[0].pointer);
		assert_string_equal(d.items[0].pointer, rows[i].pointer);
		diag_fini(&d);
		json_decref(root);
		free(json);
	}
}

/* ---- the public cases ---- */

static FILE *open_cases(void)
{
	char path[4096];
	const char *dir = getenv("HAWARD_CONFORMANCE"), *root = getenv("HAWARD_SOURCE_DIR");
	(void)snprintf(path, sizeof(path), "%s%s/openfga-checks.jsonl",
	               dir    ? dir
	               : root ? root
	                      : ".",
	               dir ? "" : "/../shared/conformance");
	return fopen(path, "re");
}

static unsigned judge_case(const json_t *one)
{
	size_t i;
	json_t *row;
	unsigned n_wrong = 0;
	struct authz *set = NULL;
	struct relation_tuples *all = relation_tuples_new();
	const struct authz_document document = {.types = json_object_get(one, "model"),
	                                        .n_bytes = 65536};
	assert_int_equal(authz_compile(&document, NULL, &set), 0);
	json_array_foreach(json_object_get(one, "tuples"), i, row)
	{
		struct relation_tuple tuple;
		const char *why;
		size_t at;
		assert_true(relation_tuple_make(json_string_sv(json_array_get(row, 0)),
		                                json_string_sv(json_array_get(row, 1)),
		                                json_string_sv(json_array_get(row, 2)), &tuple,
		                                &why, &at));
		assert_int_equal(relation_tuples_add(all, &tuple), 0);
	}
	json_array_foreach(json_object_get(one, "checks"), i, row)
	{
		struct relation_question q = {.model = authz_relations(set), .tuples = all};
		const char *why;
		size_t at;
		q.relation = json_string_sv(json_object_get(row, "relation"));
		assert_true(relation_ref_parse(json_string_sv(json_object_get(row, "object")),
		                               &q.object, &why, &at));
		assert_true(relation_ref_parse(json_string_sv(json_object_get(row, "user")),
		                               &q.subject, &why, &at));
		bool wanted = json_is_true(json_object_get(row, "expect"));
		n_wrong += (relation_check(&q) == RELATION_YES) != wanted;
	}
	relation_tuples_free(all);
	authz_free(set);
	return n_wrong;
}

static void the_public_cases_agree(void **state)
{
	(void)state;
	char *line = NULL;
	size_t room = 0, n_judged = 0, n_wrong = 0;
	ssize_t n;
	FILE *cases = open_cases();
	if (!cases) {
		print_message("openfga-checks.jsonl is not here: skipped\n");
		skip();
		return;
	}
	while ((n = getline(&line, &room, cases)) > 0) {
		json_t *one = json_loadb(line, (size_t)n, 0, NULL);
		unsigned wrong = judge_case(one);
		if (wrong)
			print_error("%.*s\n", (int)n, line);
		n_wrong += wrong;
		n_judged++;
		json_decref(one);
	}
	free(line);
	(void)fclose(cases);
	print_message("%zu judged, %zu answers wrong\n", n_judged, n_wrong);
	assert_true(n_judged > 0);
	assert_int_equal(n_wrong, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_follows_holds),
		cmocka_unit_test(depth_and_visits_are_bounded),
		cmocka_unit_test(many_tuples_are_small),
		cmocka_unit_test(what_is_no_tuple_has_its_place),
		cmocka_unit_test(models_that_do_not_fit_are_refused),
		cmocka_unit_test(the_public_cases_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
