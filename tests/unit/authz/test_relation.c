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
		print_error("%s: %s\n", text, why ? why : "");
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

/* ---- one table over another ---- */

enum { N_KNOWN = 600, N_CHANGES = 400 };

/* Few objects with many subjects, and the other way round; every third is a userset. */
static void known_text(unsigned i, char text[static 64])
{
	(void)snprintf(text, 64, "order:%u#editor@%s:%u%s", i % 7 * (i % 3),
	               i % 3 ? "user" : "group", i / 3, i % 3 ? "" : "#member");
}

static struct relation_tuple known(unsigned i, char text[static 64])
{
	struct relation_tuple tuple;
	const char *why;
	size_t at;
	known_text(i, text);
	assert_true(relation_tuple_parse(sv_of(text), &tuple, &why, &at));
	return tuple;
}

static unsigned walk_count(const struct relation_tuples *tuples, struct relation_node object,
                           bool usersets)
{
	struct relation_walk walk;
	unsigned n = 0;
	relation_walk_start(&walk, tuples, object, usersets);
	while (relation_walk_next(&walk)) {
		n++;
		assert_true(relation_tuples_has(tuples, object, walk.subject));
		assert_int_equal(walk.subject.relation.n > 0, usersets);
	}
	return n;
}

/* What the table says of every tuple that may be, and what walks find, is what is expected. */
static void assert_tells(const struct relation_tuples *tuples, const bool *there)
{
	char text[64], other[64];
	size_t n_there = 0;
	for (unsigned i = 0; i < N_KNOWN; i++) {
		struct relation_tuple tuple = known(i, text);
		struct relation_node object = {tuple.object.text, tuple.relation};
		struct relation_node subject = {tuple.subject.text, tuple.subject.relation};
		unsigned n = 0;
		assert_int_equal(relation_tuples_has(tuples, object, subject), there[i]);
		n_there += there[i];
		for (unsigned j = 0; j < N_KNOWN; j++) {
			struct relation_tuple one = known(j, other);
			n += there[j] && sv_eq(one.object.text, tuple.object.text) &&
			     (one.subject.relation.n > 0) == (subject.relation.n > 0);
		}
		assert_int_equal(walk_count(tuples, object, subject.relation.n > 0), n);
	}
	assert_int_equal(relation_tuples_count(tuples), n_there);
}

/* Changes are told from the newest to the oldest, so that the last one made holds. */
static void a_table_over_another_tells_what_changed(void **state)
{
	(void)state;
	char text[64];
	bool there[N_KNOWN] = {false}, base_there[N_KNOWN];
	struct {
		unsigned which;
		bool add;
	} changes[N_CHANGES];
	struct relation_tuples *base = relation_tuples_new();
	assert_non_null(base);
	for (unsigned i = 0; i < N_KNOWN; i += 2) {
		struct relation_tuple tuple = known(i, text);
		assert_int_equal(relation_tuples_add(base, &tuple), 0);
		there[i] = true;
	}
	relation_tuples_seal(base);
	memcpy(base_there, there, sizeof(there));
	for (unsigned i = 0; i < N_CHANGES; i++) {
		changes[i].which = i * 2654435761U / 7 % N_KNOWN;
		changes[i].add = i % 5 % 2;
		there[changes[i].which] = changes[i].add;
	}
	struct relation_tuples *over = relation_tuples_over(base);
	assert_non_null(over);
	for (unsigned i = N_CHANGES; i-- > 0;) {
		struct relation_tuple tuple = known(changes[i].which, text);
		assert_int_equal(changes[i].add ? relation_tuples_add(over, &tuple)
		                                : relation_tuples_remove(over, &tuple),
		                 0);
	}
	assert_tells(over, there);
	relation_tuples_seal(over);
	assert_tells(over, there);
	assert_tells(base, base_there);
	relation_tuples_free(over);
	relation_tuples_free(base);
}

static void an_empty_table_may_lie_over_an_empty_one(void **state)
{
	(void)state;
	const struct relation_node object = {SVL("order:1"), SVL("owner")};
	const struct relation_node subject = {SVL("user:anne"), {0}};
	struct relation_walk walk;
	struct relation_tuples *base = relation_tuples_new();
	assert_non_null(base);
	relation_tuples_seal(base);
	struct relation_tuples *over = relation_tuples_over(base);
	assert_non_null(over);
	relation_tuples_seal(over);
	assert_false(relation_tuples_has(over, object, subject));
	relation_walk_start(&walk, over, object, false);
	assert_false(relation_walk_next(&walk));
	assert_int_equal(relation_tuples_count(over), 0);
	relation_tuples_free(over);
	relation_tuples_free(base);
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
		cmocka_unit_test(a_table_over_another_tells_what_changed),
		cmocka_unit_test(an_empty_table_may_lie_over_an_empty_one),
		cmocka_unit_test(what_is_no_tuple_has_its_place),
		cmocka_unit_test(models_that_do_not_fit_are_refused),
		cmocka_unit_test(the_public_cases_agree),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
