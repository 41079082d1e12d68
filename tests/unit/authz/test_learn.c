/* What an answer teaches: from the rule to the offer that HAProxy keeps, and from the offer and a header to a tuple. */
#include "authz/learn.h"
#include "support/judging.h"

#define SET                                                                                       \
	"{'types':{'user':{},'app':{},'order':{'owner':{'types':['user','app']}}},"               \
	"'services':[{'name':'orders','paths':['/{**}']}],'policies':[{'name':'create','action':" \
	"'ALLOW','rules':[{'learn':%s}]}]}"

#define FROM_LOCATION "{'path':'/orders/{id}','object':'order:{id}','relation':'owner'}"

/* The offer that the verdict has; a copy in arena. */
static struct sv offer_of(const char *learn, const struct identity *who, struct arena *arena)
{
	char text[1024];
	struct authz_target target;
	struct verdict verdict;
	struct sv offer;
	(void)snprintf(text, sizeof(text), SET, learn);
	struct authz *set = set_of(text);
	const struct request request = {
		.method = SV("POST"), .path = SV("/orders"), .host = SV("h"), .cert_verify = -1};
	assert_true(authz_locate(set, &request, arena, &target, &verdict));
	authz_evaluate(set, &target, &request, who, arena, &verdict);
	assert_int_equal(verdict.effect, VERDICT_ALLOW);
	assert_true(arena_dup(arena, verdict.learn, &offer));
	authz_free(set);
	return offer;
}

static const struct identity anne = {.method = AUTH_JWT,
                                     .user = SV("anne"),
                                     .subject = SV("anne"),
                                     .client = SV("shop"),
                                     .workload = SV("spiffe://td/w")};

/* One field of an answer, or what its block is. */
static struct sv block_of(const char *headers, struct arena *arena)
{
	char *text = unquoted(headers);
	json_t *object = json_load_strict(sv_of(text), 0, NULL);
	assert_non_null(object);
	struct sv block = headers_of(object, arena);
	json_decref(object);
	free(text);
	return block;
}

static void an_answer_names_the_object(void **state)
{
	(void)state;
	static const struct {
		const char *learn, *headers, *tuple; /* NULL: nothing is learned */
	} rows[] = {
		{FROM_LOCATION, "{'location':'/orders/17'}", "order:17#owner@user:anne"},
		{FROM_LOCATION, "{'Location':'https://h:8443/orders/17?a=b#c'}",
	         "order:17#owner@user:anne"},
		{FROM_LOCATION, "{'location':'//h/orders/17'}", "order:17#owner@user:anne"},
		{FROM_LOCATION, "{'location':'/orders//17'}", "order:17#owner@user:anne"},
		{FROM_LOCATION, "{'location':'/orders/a%2Bb'}", "order:a+b#owner@user:anne"},
		{FROM_LOCATION, "{'location':'/orders/a%20b'}", NULL},
		{"{'header':'X-Id','object':'order:{value}','relation':'owner'}", "{'x-id':'17'}",
	         "order:17#owner@user:anne"},
		{"{'header':'x-id','object':'order:o-{value}','relation':'owner','subject':"
	         "'app:{client}'}",
	         "{'x-id':'17'}", "order:o-17#owner@app:shop"},
		{"{'header':'x-id','object':'order:{value}','relation':'owner','subject':"
	         "'app:{workload}'}",
	         "{'x-id':'17'}", "order:17#owner@app:spiffe://td/w"},
		{"{'path':'/{a}/orders/{b}','object':'order:{b}.{a}','relation':'owner'}",
	         "{'location':'/x/orders/y'}", "order:y.x#owner@user:anne"},
		{FROM_LOCATION, "{}", NULL},
		{FROM_LOCATION, "{'location':''}", NULL},
		{FROM_LOCATION, "{'location':['/orders/17','/orders/18']}", NULL},
		{FROM_LOCATION, "{'location':'orders/17'}", NULL},
		{FROM_LOCATION, "{'location':'/orders'}", NULL},
		{FROM_LOCATION, "{'location':'/orders/'}", NULL},
		{FROM_LOCATION, "{'location':'/orders/17/items'}", NULL},
		{FROM_LOCATION, "{'location':'/orders/*'}", NULL},
		{FROM_LOCATION, "{'location':'/orders/a%23owner'}", NULL},
		{FROM_LOCATION, "{'location':'/orders/..%2F17'}", NULL},
		{FROM_LOCATION, "{'location':'/a/../orders/17'}", NULL},
		{FROM_LOCATION, "{'location':'https://h'}", NULL},
		{"{'header':'x-id','object':'order:{value}','relation':'owner'}",
	         "{'x-id':'a\\u0001b'}", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct arena arena;
		struct authz_lesson lesson;
		const char *why = NULL;
		assert_int_equal(arena_init(&arena, 64 * 1024), 0);
		struct sv offer = offer_of(rows[i].learn, &anne, &arena);
		assert_true(offer.n > 0);
		bool learned = authz_learn_from(offer, block_of(rows[i].headers, &arena), &arena,
		                                &lesson, &why);
		if (learned != (rows[i].tuple != NULL))
			print_error("%s: %s\n", rows[i].headers, why ? why : "learned");
		assert_int_equal(learned, rows[i].tuple != NULL);
		if (learned) {
			char tuple[256];
			(void)snprintf(tuple, sizeof(tuple), "%.*s#%.*s@%.*s",
			               SV_ARG(lesson.tuple.object.text),
			               SV_ARG(lesson.tuple.relation),
			               SV_ARG(lesson.tuple.subject.text));
			assert_string_equal(tuple, rows[i].tuple);
			assert_true(sv_eq(lesson.policy, SVL("create")));
		} else {
			assert_non_null(why);
		}
		arena_fini(&arena);
	}
}

/* Who is nobody, everybody, or a userset by name is offered nothing. */
static void only_one_subject_is_offered(void **state)
{
	(void)state;
	static const struct sv names[] = {SV(""), SV("*"), SV("bob#manager"), SV("a\nb")};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct arena arena;
		const struct identity who = {
			.method = AUTH_JWT, .user = names[i], .subject = names[i]};
		assert_int_equal(arena_init(&arena, 64 * 1024), 0);
		assert_int_equal(offer_of(FROM_LOCATION, &who, &arena).n, 0);
		arena_fini(&arena);
	}
}

/* The end of an offer may be cut off on the way: it is then none, or says something else that its code does not fit. */
static void a_torn_offer_is_no_crash(void **state)
{
	(void)state;
	struct arena arena;
	struct authz_lesson lesson;
	const char *why;
	assert_int_equal(arena_init(&arena, 1024 * 1024), 0);
	struct sv offer = offer_of(FROM_LOCATION, &anne, &arena);
	struct sv headers = block_of("{'location':'/orders/17'}", &arena);
	for (size_t n = 0; n < offer.n - 5; n++)
		assert_false(authz_learn_from(sv_first(offer, n), headers, &arena, &lesson, &why));
	for (size_t n = 0; n < headers.n; n++)
		assert_false(authz_learn_from(offer, sv_first(headers, n), &arena, &lesson, &why));
	arena_fini(&arena);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_answer_names_the_object),
		cmocka_unit_test(only_one_subject_is_offered),
		cmocka_unit_test(a_torn_offer_is_no_crash),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
