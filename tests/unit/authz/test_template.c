#include "authz/template.h"
#include "core/strbuf.h"
#include "support/cmocka_prelude.h"

static struct arena keep;

static int make_keep(void **state)
{
	(void)state;
	return arena_init(&keep, 4 << 20);
}

static int drop_keep(void **state)
{
	(void)state;
	arena_fini(&keep);
	return 0;
}

struct row {
	const char *pattern;
	const char *path;
	bool holds;
	const char *captures; /* "name=value name=value" */
};

static const struct row rows[] = {
	{"/orders", "/orders", true, ""},
	{"/orders", "/orders/", false, NULL},
	{"/orders*", "/orders/17", true, ""},
	{"/orders*", "/ordersX", true, ""},
	{"/orders/*", "/orders", false, NULL},
	{"*.txt", "/a/b.txt", true, ""},
	{"*.txt", "/a/b.txt/", false, NULL},
	{"*/edit", "/a/edit", true, ""},
	{"*/edit", "/edit", true, ""},
	{"*", "/anything", true, ""},
	{"/caf\xc3\xa9", "/caf%C3%A9", true, ""},
	{"/%7Euser", "/~user", true, ""},
	{"//a//b", "/a/b", true, ""},
	{"/a/.*", "/a/.hidden", true, ""},
	{"/orders/{id}", "/orders/17", true, "id=17"},
	{"/orders/{id}", "/orders/", false, NULL},
	{"/orders/{id}", "/orders", false, NULL},
	{"/orders/{id}", "/orders/17/items", false, NULL},
	{"/orders/{id}", "/orders/17/", false, NULL},
	{"/orders/{id}/", "/orders/17/", true, "id=17"},
	{"/orders/{id}/", "/orders/17", false, NULL},
	{"/orders/{id=*}/items/{item}", "/orders/17/items/a%20b", true, "id=17 item=a%20b"},
	{"/{*}/b", "/a/b", true, ""},
	{"/{*}/b", "/b", false, NULL},
	{"/{*}", "/", false, NULL},
	{"/a/{**}", "/a/", true, ""},
	{"/a/{**}", "/a", false, NULL},
	{"/a/{**}", "/a/b/c", true, ""},
	{"/{**}", "/", true, ""},
	{"/{rest=**}", "/a/b", true, "rest=a/b"},
	{"/store/{**}/cart", "/store//cart", true, ""},
	{"/store/{**}/cart", "/store/a/b/cart", true, ""},
	{"/store/{**}/cart", "/store/cart", false, NULL},
	{"/store/{**}/cart", "/store/a/cart/x", false, NULL},
	{"/store/{what=**}/cart", "/store/a/cart/cart", true, "what=a/cart"},
	{"/{a}/{b}/{c=**}", "/1/2/3/4", true, "a=1 b=2 c=3/4"},
	{"/{a}/{b}/{c=**}", "/1/2/", true, "a=1 b=2 c="},
	{"/{a}/{b}/{c=**}", "/1/2", false, NULL},
	{"/{a}/x/{b}", "/1/y/2", false, NULL},
	{"/orders/{id}", "*", false, NULL},
};

static void describe_captures(const struct authz_template *t, const struct authz_captures *found,
                              struct strbuf *ret)
{
	for (size_t i = 0; i < t->n_names && found->template; i++) {
		struct sv value;
		assert_true(authz_captures_find(found, t->names[i], &value));
		strbuf_addf(ret, "%s%.*s=%.*s", i ? " " : "", SV_ARG(t->names[i]), SV_ARG(value));
	}
	strbuf_add(ret, SVL(""));
}

static void patterns_match_as_the_table_says(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct authz_template t;
		struct authz_captures found = {0};
		struct strbuf text = strbuf_with(1024);
		const char *why = NULL;
		print_message("%s against %s\n", rows[i].pattern, rows[i].path);
		assert_true(authz_template_parse(sv_of(rows[i].pattern), &keep, &t, &why));
		bool holds = authz_template_holds(&t, sv_of(rows[i].path), &found);
		assert_int_equal(holds, rows[i].holds);
		if (holds) {
			describe_captures(&t, &found, &text);
			assert_true(sv_eq(strbuf_sv(&text), sv_of(rows[i].captures)));
		}
		strbuf_fini(&text);
	}
}

static void what_can_never_match_is_refused_at_load(void **state)
{
	(void)state;
	static const char *const cases[] = {
		"",        "orders",    "/a?b=c",     "/a/../b",  "/a%2fb",        "/a*b",
		"*a*",     "/{a",       "/a}",        "/{a}.txt", "/x{a}",         "/{}",
		"/{a}{b}", "/{a}/{a}",  "/{1a}",      "/{a-b}",   "/{a=x}",        "/{a=}",
		"/{=*}",   "/{**}/{a}", "/{**}/{**}", "/{***}",   "/{a}/b*",       "{a}",
		"/{a}//b", "/{a}/../b", "/{a}/%zz",   "/a b",     "/{a=**}/x/{*}", "/a#b",
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct authz_template t;
		const char *why = NULL;
		print_message("%s\n", cases[i]);
		assert_false(authz_template_parse(sv_of(cases[i]), &keep, &t, &why));
		assert_non_null(why);
	}
}

static void too_many_segments_or_captures_are_refused(void **state)
{
	(void)state;
	struct strbuf text = strbuf_with(4096);
	struct authz_template t;
	const char *why = NULL;
	for (int i = 0; i <= TEMPLATE_MAX_CAPTURES; i++)
		strbuf_addf(&text, "/{n%d}", i);
	assert_false(authz_template_parse(strbuf_sv(&text), &keep, &t, &why));
	strbuf_clear(&text);
	for (int i = 0; i <= TEMPLATE_MAX_SEGMENTS; i++)
		strbuf_add(&text, SVL("/{*}"));
	assert_false(authz_template_parse(strbuf_sv(&text), &keep, &t, &why));
	strbuf_fini(&text);
}

static void narrower_patterns_come_first(void **state)
{
	(void)state;
	static const char *const by_width[] = {
		"/orders/new", "/orders/{id}", "/{a}/{b}", "/orders/*", "/o*", "*.txt", "*"};
	struct authz_template before = {0};
	for (size_t i = 0; i < ARRAY_LEN(by_width); i++) {
		struct authz_template t;
		const char *why = NULL;
		assert_true(authz_template_parse(sv_of(by_width[i]), &keep, &t, &why));
		if (i > 0) {
			assert_true(authz_template_order(&before, &t) < 0);
			assert_true(authz_template_order(&t, &before) > 0);
		}
		assert_int_equal(authz_template_order(&t, &t), 0);
		before = t;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(patterns_match_as_the_table_says),
		cmocka_unit_test(what_can_never_match_is_refused_at_load),
		cmocka_unit_test(too_many_segments_or_captures_are_refused),
		cmocka_unit_test(narrower_patterns_come_first),
	};
	return cmocka_run_group_tests(tests, make_keep, drop_keep);
}
