/* Conditions of rules: what they may name, what holds, and what an error means to each action. */
#include "authz/expression.h"
#include "support/judging.h"

struct asking {
	bool is_anonymous, has_headers;
	const char *path, *query;
};

/* Alice of https://idp with claims, a workload, and two header fields; or nobody. */
static struct verdict judge(const char *set_text, const struct asking *a, struct arena *arena)
{
	static const struct sv groups[] = {SV("eu"), SV("ops")};
	static const char block[] = "\3x-a\0011\5x-bad\1\xff\3x-a\0012\0\0";
	struct authz_target target;
	struct verdict verdict;
	struct authz *set = set_of(set_text);
	json_t *claims =
		json_loads("{\"sub\":\"alice\",\"level\":3,\"big\":9007199254740993}", 0, NULL);
	const struct identity alice = {.method = AUTH_JWT,
	                               .user = SV("alice"),
	                               .issuer = SV("https://idp"),
	                               .subject = SV("alice"),
	                               .groups = groups,
	                               .n_groups = 2,
	                               .claims = claims,
	                               .workload = SV("spiffe://td/ns/a/sa/b"),
	                               .workload_method = AUTH_MTLS};
	static const struct identity nobody;
	const struct request request = {
		.method = SV("GET"),
		.host = SV("Shop.Example:8080"),
		.path = sv_of(a->path ? a->path : "/orders/alice"),
		.query = sv_of(a->query),
		.headers = a->has_headers ? (struct sv){block, sizeof(block) - 1} : (struct sv){0},
		.src = netaddr_v4((const uint8_t[]){10, 1, 2, 3}),
		.tls = true,
		.cert_verify = -1};
	assert_true(authz_locate(set, &request, arena, &target, &verdict));
	target.now_s = 1700000000;
	authz_evaluate(set, &target, &request, a->is_anonymous ? &nobody : &alice, arena, &verdict);
	json_decref(claims);
	struct verdict ret = verdict;
	/* the texts of the set go with it */
	struct sv value;
	if (ret.n_why > 0 && arena_dup(arena, ret.why[0].value, &value))
		ret.why[0].value = value;
	authz_free(set);
	return ret;
}

struct row {
	const char *condition; /* of a rule for /orders/{id} */
	enum verdict_effect allow, deny;
	struct asking asking;
};

#define T VERDICT_ALLOW, VERDICT_DENY
#define F VERDICT_DENY, VERDICT_DENY

static void hold(const char *action, const struct row *row, enum verdict_effect wanted)
{
	char text[1024];
	struct arena arena;
	assert_int_equal(arena_init(&arena, 1 << 18), 0);
	(void)snprintf(text, sizeof(text),
	               "{'services':[{'name':'orders','paths':['/"
	               "{**}']}],'policies':[{'name':'p','action':'%s','rules':["
	               "{'to':[{'operation':{'paths':['/orders/{id}']}}],'condition':'%s'}]}]}",
	               action, row->condition);
	struct verdict verdict = judge(text, &row->asking, &arena);
	if (verdict.effect != wanted)
		print_error("%s %s: %s (%.*s)\n", action, row->condition,
		            verdict_effect_name(verdict.effect), SV_ARG(verdict.why[0].value));
	assert_int_equal(verdict.effect, wanted);
	arena_fini(&arena);
}

/* Texts stand in \x22: the set's own quotes are ' in these tests. */
#define Q(text) "\\\"" text "\\\""

static void what_holds_lets_an_allow_rule_hold(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"path.id == user", T, {0}},
		{"path.id == user", F, {.path = "/orders/bob"}},
		{Q("eu") " in groups && " Q("us") " in groups", F, {0}},
		{"claims.level >= 3 && claims.big == 9007199254740993", T, {0}},
		{"has(claims.nobody)", F, {0}},
		{"claims.nobody == 1", F, {0}},
		{"claims.sub + 1 == 2", F, {0}},
		{"claims.sub", F, {0}},
		{"request.method == " Q("GET") " && request.scheme == " Q("https"), T, {0}},
		{"request.host == " Q("Shop.Example"), T, {0}},
		{"request.url_path == " Q("/orders/alice"), T, {.path = "/orders/alice"}},
		/* one of two readings would be refused */
		{"request.url_path == " Q("/orders/alice"), F, {.path = "//orders/%61lice"}},
		{"request.path == " Q("/orders/alice?a=1&b=%20x&a=2"),
	         T,
	         {.query = "a=1&b=%20x&a=2"}},
		{"request.query_params.a == [" Q("1") ", " Q(
			 "2") "] && request.query_params.b[0] == " Q(" x"),
	         T,
	         {.query = "a=1&b=%20x&a=2"}},
		{"request.headers[" Q("x-a") "] == " Q("1,2"), T, {.has_headers = true}},
		{"has(request.headers.nobody)", F, {.has_headers = true}},
		{"request.headers[" Q("x-bad") "] != " Q("y"), F, {.has_headers = true}},
		{"has(request.headers.nobody)", F, {0}},
		{"cidr(" Q("10.0.0.0/8") ").containsIP(remote) && source.address == " Q("10.1.2.3"),
	         T,
	         {0}},
		{"request.time.getHours(" Q("UTC") ") == 22", T, {0}},
		{"connection.mtls && workload.startsWith(" Q("spiffe://td/") ")", T, {0}},
		{"service == " Q("orders"), T, {0}},
		{"destination.port == 443", F, {0}},
		{"destination.port == 443 || true", T, {0}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		hold("ALLOW", &rows[i], rows[i].allow);
}

/* Whoever could sign in and hold it then is told so. */
static void who_is_not_signed_in_may_be_asked_to(void **state)
{
	(void)state;
	static const struct row rows[] = {
		{"path.id == user", VERDICT_AUTHENTICATE, VERDICT_DENY, {.is_anonymous = true}},
		{"request.method == " Q("PUT"), VERDICT_DENY, VERDICT_DENY, {.is_anonymous = true}},
		{"true || claims.x == 1", VERDICT_ALLOW, VERDICT_DENY, {.is_anonymous = true}},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		hold("ALLOW", &rows[i], rows[i].allow);
}

static void an_error_holds_in_a_deny_rule_and_says_so(void **state)
{
	(void)state;
	static const char *const conditions[] = {"claims.nobody == 1", "claims.level / 0 == 1"};
	for (size_t i = 0; i < ARRAY_LEN(conditions); i++) {
		char text[1024];
		struct arena arena;
		const struct asking asking = {0};
		assert_int_equal(arena_init(&arena, 1 << 18), 0);
		(void)snprintf(
			text, sizeof(text),
			"{'services':[{'name':'orders','paths':['/"
			"{**}']}],'policies':[{'name':'all','action':'ALLOW'"
			","
			"'rules':[{}]},{'name':'p','action':'DENY','rules':[{'condition':'%s'}]}]}",
			conditions[i]);
		struct verdict verdict = judge(text, &asking, &arena);
		assert_int_equal(verdict.reason, REASON_POLICY_DENIED);
		assert_true(sv_starts(verdict.why[0].value, SVL("error at line 1, column ")));
		arena_fini(&arena);
	}
}

static void a_deny_rule_that_does_not_hold_denies_nobody(void **state)
{
	(void)state;
	struct arena arena;
	const struct asking asking = {0};
	assert_int_equal(arena_init(&arena, 1 << 18), 0);
	struct verdict verdict =
		judge("{'services':[{'name':'orders','paths':['/"
	              "{**}']}],'policies':[{'name':'all','action':'ALLOW',"
	              "'rules':[{}]},{'name':'p','action':'DENY','rules':[{'condition':"
	              "'claims.level < 3'}]}]}",
	              &asking, &arena);
	assert_int_equal(verdict.effect, VERDICT_ALLOW);
	arena_fini(&arena);
}

static void mistakes_are_refused_with_their_place(void **state)
{
	(void)state;
	static const struct {
		const char *condition, *says;
	} rows[] = {
		{"'request.metod == user'", "line 1, column 1: there is no 'request.metod'"},
		{"'path.nr == user'", "did you mean 'path.id'"},
		{"'user.size()'", "has to be a bool"},
		{"'user.matches(user)'", "constant"},
		{"'user.matches(\\\"(\\\")'", "regular expression"},
		{"'user =='", "column 8"},
		{"'true &&\\n user.foo()'", "line 2"},
		{"''", "column 1"},
		{"7", "a string is expected"},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char text[512];
		(void)snprintf(
			text, sizeof(text),
			"{'policies':[{'name':'p','action':'ALLOW','rules':[{'to':[{'operation':"
			"{'paths':['/o/{id}']}}],'condition':%s}]}]}",
			rows[i].condition);
		char *json = unquoted(text);
		struct diag d = diag_over("test", sv_of(json));
		struct authz *set = NULL;
		/* the quotes inside of names come back as they are shown */
		assert_int_equal(compile_set_text(json, &d, &set), -EINVAL);
		assert_true(d.n > 0);
		if (!strstr(d.items[0].message, rows[i].says))
			print_error("%s: %s\n", rows[i].condition, d.items[0].message);
		assert_non_null(strstr(d.items[0].message, rows[i].says));
		assert_string_equal(d.items[0].pointer, "/policies/0/rules/0/condition");
		diag_fini(&d);
		free(json);
	}
}

/* A thousand long conditions fit, and are gone with the set. */
static void many_conditions_fit(void **state)
{
	(void)state;
	enum { N = 300 };
	char *text = malloc(N * 400 + 100);
	size_t n = 0;
	assert_non_null(text);
	if (!text)
		return;
	n += (size_t)sprintf(text, "{'policies':[{'name':'p','action':'ALLOW','rules':[");
	for (int i = 0; i < N; i++)
		n += (size_t)sprintf(
			text + n,
			"%s{'condition':'user.matches(\\\"^a+$\\\") && claims.a + claims.b * "
			"claims.c == 1 && [claims.d, 1, 2].exists(x, x == %d) && "
			"request.time.getHours(\\\"Europe/Berlin\\\") > 3'}",
			i ? "," : "", i);
	(void)sprintf(text + n, "]}]}");
	authz_free(set_of(text));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_holds_lets_an_allow_rule_hold),
		cmocka_unit_test(who_is_not_signed_in_may_be_asked_to),
		cmocka_unit_test(an_error_holds_in_a_deny_rule_and_says_so),
		cmocka_unit_test(a_deny_rule_that_does_not_hold_denies_nobody),
		cmocka_unit_test(mistakes_are_refused_with_their_place),
		cmocka_unit_test(many_conditions_fit),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
