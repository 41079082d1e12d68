/* related() in the conditions of rules, and related in `when`: what it finds, what it tells, and what it refuses to be talked into. */
#include "authz/relation_tuples.h"
#include "support/judging.h"

#include <string.h>

#define TYPES                                                                                \
	"'types':{'user':{'boss':{'types':['user']}},'group':{'member':{'types':['user']}}," \
	"'order':{'owner':{'types':['user']},'viewer':{'types':['group#member','user:*'],"   \
	"'rewrite':{'union':[{'this':true},{'computed':'owner'}]}}}},"

static const char *const tuples[] = {
	"order:17#owner@user:anne",
	"order:18#viewer@group:eu#member",
	"group:eu#member@user:bob",
	"order:19#viewer@user:*",
};

static struct relation_tuples *make_tuples(void)
{
	struct relation_tuples *made = relation_tuples_new();
	assert_non_null(made);
	for (size_t i = 0; made && i < ARRAY_LEN(tuples); i++) {
		struct relation_tuple tuple;
		const char *why;
		size_t at;
		assert_true(relation_tuple_parse(sv_of(tuples[i]), &tuple, &why, &at));
		assert_int_equal(relation_tuples_add(made, &tuple), 0);
	}
	return made;
}

struct row {
	const char *user, *path, *condition; /* or an element of `when` */
	enum verdict_effect allow, deny;     /* of an ALLOW and of a DENY rule with it */
	const char *why;                     /* of the ALLOW rule that did not hold */
	bool knows_none;                     /* there are no tuples at all */
};

static enum verdict_effect judge(const struct row *row, const char *action, char why[static 256])
{
	char text[2048];
	struct arena arena;
	struct authz_target target;
	struct verdict verdict;
	const struct sv groups[] = {SV("eu")};
	bool is_when = row->condition[0] == '{';
	(void)snprintf(text, sizeof(text),
	               "{" TYPES "'services':[{'name':'orders','paths':['/{**}']}],'policies':["
	               "{'name':'p','action':'%s','rules':[{'to':[{'operation':{'paths':"
	               "['/orders/{id}']}}],%s%s%s}]}%s]}",
	               action, is_when ? "'when':[" : "'condition':'", row->condition,
	               is_when ? "]" : "'",
	               action[0] == 'D' ? ",{'name':'all','action':'ALLOW','rules':[{}]}" : "");
	struct authz *set = set_of(text);
	struct relation_tuples *made = make_tuples();
	const struct identity who = {.method = AUTH_JWT,
	                             .user = sv_of(row->user),
	                             .subject = sv_of(row->user),
	                             .groups = groups,
	                             .n_groups = 1};
	const struct request request = {.method = SV("GET"),
	                                .host = SV("h"),
	                                .path = sv_of(row->path),
	                                .query = SV("secret=order:99"),
	                                .cert_verify = -1};
	assert_int_equal(arena_init(&arena, 1 << 18), 0);
	assert_true(authz_locate(set, &request, &arena, &target, &verdict));
	target.tuples = row->knows_none ? NULL : made;
	authz_evaluate(set, &target, &request, &who, &arena, &verdict);
	(void)snprintf(why, 256, "%.*s", verdict.n_why ? (int)verdict.why[0].value.n : 0,
	               verdict.n_why ? verdict.why[0].value.at : "");
	enum verdict_effect effect = verdict.effect;
	arena_fini(&arena);
	relation_tuples_free(made);
	authz_free(set);
	return effect;
}

#define Q(text) "\\\"" text "\\\""
#define RELATED(relation, subject) \
	"related(" Q("order:") " + path.id, " Q(relation) ", " Q("user:") " + " subject ")"
#define IN_GROUP                                                                   \
	"groups.exists(g, related(" Q("order:") " + path.id, " Q("viewer") ", " Q( \
		"group:") " + g "                                                  \
			  "+ " Q("#member") "))"
#define T VERDICT_ALLOW, VERDICT_DENY
#define F VERDICT_DENY, VERDICT_ALLOW
#define E VERDICT_DENY, VERDICT_DENY /* an error never grants */

static void what_it_finds_decides(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"anne", "/orders/17", RELATED("owner", "user"), T, NULL, false},
		{"bob", "/orders/17", RELATED("owner", "user"), F,
	         "no tuple order:17#owner@user:bob", false},
		{"anne", "/orders/17", RELATED("viewer", "user"), T, NULL, false},
		{"bob", "/orders/18", RELATED("viewer", "user"), T, NULL, false},
		{"carl", "/orders/18", RELATED("viewer", "user"), F, "order:18#viewer@user:carl",
	         false},
		{"carl", "/orders/18", IN_GROUP, T, NULL, false},
		{"carl", "/orders/19", RELATED("viewer", "user"), T, NULL, false},
		{"anne", "/orders/17", RELATED("owner", "user"), E, "not known here", true},
		{"anne", "/orders/17",
	         "related(" Q("order:") " + path.id, " Q("no") " + " Q("thing") ", " Q(
			 "user:") " + user)",
	         E, "none such", false},
		{"anne", "/orders/17",
	         "related(" Q("x") " + " Q(":1") ", " Q("owner") ", " Q("user:a") ")", E,
	         "no such type", false},
		{"anne", "/orders/17",
	         "related(" Q("or") " + " Q("der") ", " Q("owner") ", " Q("user:a") ")", E,
	         "'type:id' is expected", false},
		{"", "/orders/17", RELATED("owner", "user"), E, "names no user", false},
		/* the query is nobody's business */
		{"bob", "/orders/17",
	         RELATED("owner", "user") " && request.query == " Q(
			 "a") " || "
	                      "related(request.query."
	                      "substring(7), " Q("owner") ", " Q("user:a") ")",
	         F, "false", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char why[256];
		enum verdict_effect allow = judge(&rows[i], "ALLOW", why);
		if (allow != rows[i].allow || (rows[i].why && !strstr(why, rows[i].why)) ||
		    strstr(why, "99"))
			print_error("%zu: %s\n", i, why);
		assert_int_equal(allow, rows[i].allow);
		assert_true(!rows[i].why || strstr(why, rows[i].why));
		assert_null(strstr(why, "99"));
		assert_int_equal(judge(&rows[i], "DENY", why), rows[i].deny);
	}
}

#define WHEN(name, object, relation, more) \
	"{'" name "':{'object':'" object "','relation':'" relation "'" more "}}"

/* The same question where it is asked in a list. */
static void what_when_asks_for_decides(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"anne", "/orders/17", WHEN("related", "order:{id}", "owner", ""), T, NULL, false},
		{"bob", "/orders/17", WHEN("related", "order:{id}", "owner", ""), F,
	         "no tuple order:17#owner@user:bob", false},
		{"anne", "/orders/17", WHEN("notRelated", "order:{id}", "owner", ""), F, "false",
	         false},
		{"bob", "/orders/17", WHEN("notRelated", "order:{id}", "owner", ""), T, NULL,
	         false},
		{"anne", "/orders/7", WHEN("related", "order:1{id}", "viewer", ""), T, NULL, false},
		{"carl", "/orders/7",
	         WHEN("related", "order:17", "owner", ",'subject':'user:{user}'"), F,
	         "order:17#owner@user:carl", false},
		{"anne", "/orders/17",
	         WHEN("related", "order:{id}", "owner", ",'subject':'user:{client}'"), E,
	         "names no client", false},
		{"anne", "/orders/17", WHEN("related", "order:{id}", "owner", ""), E,
	         "not known here", true},
		{"anne", "/orders/17", WHEN("notRelated", "order:{id}", "owner", ""), E,
	         "not known here", true},
		{"", "/orders/17", WHEN("related", "order:{id}", "owner", ""), E, "names no user",
	         false},
		{"bob#boss", "/orders/bob", WHEN("related", "user:{id}", "boss", ""), E,
	         "has a '#'", false},
		/* all of them have to hold */
		{"anne", "/orders/17",
	         WHEN("related", "order:{id}", "owner", "") "," WHEN("notRelated", "order:{id}",
	                                                             "viewer", ""),
	         F, "false", false},
		{"bob", "/orders/18",
	         WHEN("related", "order:{id}", "viewer", "") "," WHEN("notRelated", "order:{id}",
	                                                              "owner", ""),
	         T, NULL, false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char why[256];
		enum verdict_effect allow = judge(&rows[i], "ALLOW", why);
		if (allow != rows[i].allow || (rows[i].why && !strstr(why, rows[i].why)))
			print_error("%zu: %s\n", i, why);
		assert_int_equal(allow, rows[i].allow);
		assert_true(!rows[i].why || strstr(why, rows[i].why));
		assert_int_equal(judge(&rows[i], "DENY", why), rows[i].deny);
	}
}

/* Whoever is X#boss is the boss of X; but a user who is called so is not. */
static void a_name_makes_nobody_a_userset(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"bob#boss", "/orders/bob",
	         "related(" Q("user:") " + path.id, " Q("boss") ", " Q("user:") " + user)", E,
	         "has a '#'", false},
		{"bob#boss", "/orders/bob",
	         "related(" Q("user:") " + path.id, " Q("boss") ", " Q(
			 "user:") " + user) || user == "
	                          "" Q("#"),
	         E, "has a '#'", false},
		{"anne", "/orders/17%23owner", RELATED("owner", "user"), E, "one thing is expected",
	         false},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char why[256];
		assert_int_equal(judge(&rows[i], "ALLOW", why), VERDICT_DENY);
		if (!strstr(why, rows[i].why))
			print_error("%zu: %s\n", i, why);
		assert_non_null(strstr(why, rows[i].why));
		assert_int_equal(judge(&rows[i], "DENY", why), VERDICT_DENY);
	}
}

/* What is misspelt is found when the set is saved, at its place. */
static void what_types_lacks_is_refused(void **state)
{
	(void)state;
	static const struct {
		const char *condition, *message; /* NULL: it is good */
	} rows[] = {
		{"related(\\\"order:\\\" + path.id, \\\"owner\\\", \\\"user:\\\" + user)", NULL},
		{"groups.exists(g, related(claims.what, \\\"viewer\\\", claims.who))", NULL},
		{"related(\\\"orders:\\\" + path.id, \\\"owner\\\", \\\"user:\\\" + user)",
	         "line 1, column 19: `types` has no type 'orders'"},
		{"related(\\\"order:1\\\", \\\"member\\\", \\\"user:\\\" + user)",
	         "line 1, column 20: objects of this type have no relation 'member'"},
		{"true || related(claims.what, \\\"ownr\\\", \\\"user:\\\" + user)",
	         "no type of `types` has a relation 'ownr'"},
		{"related(\\\"order:1\\\", \\\"owner\\\", \\\"users:\\\" + user)",
	         "`types` has no type 'users'"},
		{"groups.exists(g, related(\\\"order\\\", \\\"owner\\\", g))",
	         "'order': \"type:id\" is expected"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[2048];
		struct authz *set = NULL;
		(void)snprintf(text, sizeof(text),
		               "{" TYPES
		               "'policies':[{'name':'p','action':'ALLOW','rules':[{'to':[{"
		               "'operation':{'paths':['/orders/{id}']}}],'condition':'%s'}]}]}",
		               rows[i].condition);
		char *json = unquoted(text);
		struct diag d = diag_over("test", sv_of(json));
		int r = compile_set_text(json, &d, &set);
		if (r != 0 && !rows[i].message)
			diag_print(&d, stderr);
		assert_int_equal(r, rows[i].message ? -EINVAL : 0);
		if (rows[i].message) {
			if (!strstr(d.items[0].message, rows[i].message))
				print_error("%s\n", d.items[0].message);
			assert_non_null(strstr(d.items[0].message, rows[i].message));
		}
		diag_fini(&d);
		authz_free(set);
		free(json);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_it_finds_decides),
		cmocka_unit_test(what_when_asks_for_decides),
		cmocka_unit_test(what_types_lacks_is_refused),
		cmocka_unit_test(a_name_makes_nobody_a_userset),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
