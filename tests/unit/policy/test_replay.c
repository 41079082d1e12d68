/* A decision of the book is judged again by what the book keeps, and never guessed at. */
#include "audit/book.h"
#include "audit/record.h"
#include "core/arena.h"
#include "core/limits.h"
#include "policy/load.h"
#include "policy/policy.h"
#include "policy/replay.h"
#include "policy/replayrun.h"
#include "support/judging.h"

#define SERVICES    "'services':[{'name':'orders','paths':['/orders/{**}']},{'name':'rest'}],"
#define ALLOW(rule) "{" SERVICES "'policies':[{'name':'p','action':'ALLOW','rules':[" rule "]}]}"
#define DENY(rule)                                                                           \
	"{" SERVICES "'policies':[{'name':'all','action':'ALLOW','rules':[{}]},{'name':'p'," \
	"'action':'DENY','rules':[" rule "]}]}"

/* Texts of a packed list; room has to live as long as the result. */
static struct audit_list list_of(const char *text, uint8_t room[64])
{
	struct outbuf out = outbuf_over(room, 64);
	if (text)
		audit_list_add(&out, sv_of(text));
	return (struct audit_list){outbuf_sv(&out)};
}

struct line {
	enum reason reason;
	const char *user, *groups, *workload;
	enum auth_method method;
};

/* As the book would have it: GET /orders/7 at the host "shop" by somebody of https://idp. */
static struct audit_record record_of(const struct line *line, uint8_t room[64])
{
	const struct verdict verdict = verdict_deny(line->reason);
	bool granted =
		line->reason == REASON_POLICY_ALLOWED || line->reason == REASON_DEFAULT_ALLOWED;
	return (struct audit_record){
		.kind = AUDIT_REQUEST,
		.at_us = 1700000000000000,
		.has_verdict = true,
		.effect = granted ? VERDICT_ALLOW : verdict.effect,
		.auth_method = line->method,
		.user = sv_of(line->user),
		.issuer = line->user ? SVL("https://idp") : SVL(""),
		.workload = sv_of(line->workload),
		.groups = list_of(line->groups, room),
		.service = SVL("orders"),
		.method = SVL("GET"),
		.host = SVL("shop"),
		.path = SVL("/orders/7"),
		.reason = sv_of(reason_name(line->reason)),
	};
}

static struct policy *policy_of_text(const char *quoted)
{
	char *text = unquoted(quoted);
	struct diag d = diag_over("test", sv_of(text));
	struct policy *policy = NULL;
	int r = policy_load(sv_of(text), NULL, 1, &d, &policy);
	if (r != 0)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	diag_fini(&d);
	free(text);
	return policy;
}

static enum replay_class judge(const char *set, const struct line *line)
{
	uint8_t room[64];
	struct arena arena;
	struct replay_result result;
	struct policy *policy = policy_of_text(set);
	const struct audit_record record = record_of(line, room);
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	replay_judge(policy, &record, &arena, &result);
	bool has_why = result.class == REPLAY_CANNOT_TELL || result.class == REPLAY_NOT_JUDGED;
	assert_int_equal(result.why != NULL, has_why);
	arena_fini(&arena);
	policy_unref(policy);
	return result.class;
}

static const struct line alice = {REASON_POLICY_ALLOWED, "alice", "eu", NULL, AUTH_JWT};
static const struct line refused = {REASON_NO_POLICY_MATCHED, "alice", "eu", NULL, AUTH_JWT};
static const struct line nobody = {REASON_AUTHENTICATION_REQUIRED, NULL, NULL, NULL, AUTH_NONE};
static const struct line expired = {REASON_TOKEN_EXPIRED, NULL, NULL, NULL, AUTH_NONE};
static const struct line workload = {REASON_POLICY_ALLOWED, NULL, NULL,
                                     "spiffe://td/ns/prod/sa/web", AUTH_MTLS};

static void what_the_book_keeps_is_judged(void **state)
{
	(void)state;
	static const struct {
		const char *set;
		const struct line *line;
		enum replay_class class;
	} rows[] = {
		{ALLOW("{}"), &alice, REPLAY_UNCHANGED},
		{ALLOW("{}"), &refused, REPLAY_NEWLY_ALLOWED},
		{ALLOW("{}"), &nobody, REPLAY_NEWLY_ALLOWED},
		{ALLOW("{'to':[{'operation':{'methods':['POST']}}]}"), &alice, REPLAY_NEWLY_DENIED},
		{ALLOW("{'to':[{'operation':{'methods':['POST']}}]}"), &nobody,
	         REPLAY_OTHER_CHANGE},
		{ALLOW("{'from':[{'source':{'requestPrincipals':['https://idp/alice']}}]}"), &alice,
	         REPLAY_UNCHANGED},
		{ALLOW("{'from':[{'source':{'requestPrincipals':['https://idp/alice']}}]}"),
	         &nobody, REPLAY_UNCHANGED},
		{ALLOW("{'from':[{'source':{'requestPrincipals':['https://idp/bob']}}]}"), &alice,
	         REPLAY_NEWLY_DENIED},
		{ALLOW("{'when':[{'key':'request.auth.claims[sub]','values':['alice']}]}"), &alice,
	         REPLAY_UNCHANGED},
		{ALLOW("{'from':[{'source':{'namespaces':['prod']}}]}"), &workload,
	         REPLAY_UNCHANGED},
		{ALLOW("{'from':[{'source':{'namespaces':['test']}}]}"), &workload,
	         REPLAY_NEWLY_DENIED},
		{DENY("{'from':[{'source':{'notNamespaces':['test']}}]}"), &workload,
	         REPLAY_NEWLY_DENIED},
		{ALLOW("{}"), &expired, REPLAY_NOT_JUDGED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum replay_class class = judge(rows[i].set, rows[i].line);
		if (class != rows[i].class)
			print_error("row %zu: %s\n", i, replay_class_names[class]);
		assert_int_equal(class, rows[i].class);
	}
}

#define BY_CLAIM  "{'when':[{'key':'request.auth.claims[role]','values':['admin']}]}"
#define BY_HEADER "{'when':[{'key':'request.headers[x-a]','notValues':['1']}]}"
#define ELSEWHERE                                             \
	"{'to':[{'operation':{'paths':['/other']}}],'when':[" \
	"{'key':'request.headers[x-a]','values':['1']}]}"

static void what_it_does_not_keep_is_not_guessed(void **state)
{
	(void)state;
	static const struct {
		const char *set;
		const struct line *line;
		enum replay_class class;
	} rows[] = {
		{ALLOW(BY_CLAIM), &alice, REPLAY_CANNOT_TELL},
		{ALLOW(BY_CLAIM), &refused, REPLAY_CANNOT_TELL},
		{DENY(BY_CLAIM), &alice, REPLAY_CANNOT_TELL},
		{ALLOW(BY_HEADER), &alice, REPLAY_CANNOT_TELL},
		{DENY(BY_HEADER), &alice, REPLAY_CANNOT_TELL},
		/* who has no token has no claims: that is known */
		{ALLOW(BY_CLAIM), &nobody, REPLAY_UNCHANGED},
		/* what does not matter either way is no doubt */
		{ALLOW(BY_CLAIM ",{}"), &alice, REPLAY_UNCHANGED},
		{ALLOW(ELSEWHERE), &alice, REPLAY_NEWLY_DENIED},
		{DENY(ELSEWHERE), &alice, REPLAY_UNCHANGED},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		enum replay_class class = judge(rows[i].set, rows[i].line);
		if (class != rows[i].class)
			print_error("row %zu: %s\n", i, replay_class_names[class]);
		assert_int_equal(class, rows[i].class);
	}
}

/* The book says "orders", not whether HAProxy named it; where the draft finds another there, both are tried. */
static void a_service_may_have_been_named_or_found(void **state)
{
	(void)state;
	static const char moved[] =
		"{'services':[{'name':'orders','paths':['/shop/"
		"{**}']},{'name':'rest'}],'policies':["
		"{'name':'p','action':'ALLOW','services':['orders'],'rules':[{}]}]}";
	static const char gone[] =
		"{'services':[{'name':'rest'}],'policies':[{'name':'p','action':'ALLOW','rules':["
		"{'to':[{'operation':{'methods':['POST']}}]}]}]}";
	assert_int_equal(judge(moved, &alice), REPLAY_CANNOT_TELL);
	assert_int_equal(judge(gone, &alice), REPLAY_NEWLY_DENIED);
}

static void a_text_that_was_cut_is_not_judged(void **state)
{
	(void)state;
	uint8_t room[64];
	struct arena arena;
	struct replay_result result;
	struct policy *policy = policy_of_text(ALLOW("{}"));
	struct audit_record record = record_of(&alice, room);
	record.cut = true;
	assert_int_equal(arena_init(&arena, REQUEST_ARENA_BYTES), 0);
	replay_judge(policy, &record, &arena, &result);
	assert_int_equal(result.class, REPLAY_CANNOT_TELL);
	arena_fini(&arena);
	policy_unref(policy);
}

/* ---- over a book ---- */

static json_int_t count_of(const json_t *report, const char *name)
{
	return json_integer_value(json_object_get(json_object_get(report, "counts"), name));
}

static json_t *replay(struct book *book, const char *set, const struct replay_options *options)
{
	struct audit_query_error error;
	struct replay_run *run = NULL;
	struct policy *policy = policy_of_text(set);
	assert_int_equal(replay_run_open(book->store, policy, options, &error, &run), 0);
	int r;
	while ((r = replay_run_step(run)) > 0)
		;
	assert_int_equal(r, 0);
	json_t *report = replay_run_report(run);
	assert_non_null(report);
	replay_run_close(run);
	policy_unref(policy);
	return report;
}

enum { N_GETS = 1200 };

static void fill(struct book *book)
{
	struct audit_journal *journal = audit_journals_worker(book->journals, 0);
	for (int i = 0; i < N_GETS; i++) {
		const struct request req = {.service = SV("orders"),
		                            .method = i % 3 ? SVL("GET") : SVL("POST"),
		                            .host = SV("shop"),
		                            .path = SV("/orders/7")};
		struct decision d = {.at_us = 1700000000000000 + i,
		                     .identity = {.method = AUTH_JWT,
		                                  .user = i % 2 ? SVL("alice") : SVL("bob"),
		                                  .issuer = SV("https://idp")},
		                     .verdict = {.effect = VERDICT_ALLOW,
		                                 .reason = REASON_POLICY_ALLOWED,
		                                 .status = 200,
		                                 .policy = SV("old"),
		                                 .service = SV("orders")}};
		assert_true(event_id_next(&book->ids, d.at_us, &d.event));
		assert_int_equal(audit_submit(journal, &req, &d), 0);
	}
	assert_int_equal(
		audit_submit_system(audit_journals_main(book->journals), SVL("start"), SVL("")), 0);
	book_index(book);
}

static void a_book_is_replayed_and_counted(void **state)
{
	struct book *book = *state;
	static const char gets_only[] = ALLOW("{'to':[{'operation':{'methods':['GET']}}]}");
	fill(book);

	json_t *report = replay(book, gets_only, &(struct replay_options){0});
	assert_int_equal(count_of(report, "considered"), N_GETS);
	assert_int_equal(count_of(report, "unchanged"), N_GETS * 2 / 3);
	assert_int_equal(count_of(report, "newly_denied"), N_GETS / 3);
	assert_int_equal(json_array_size(json_object_get(report, "users")), 2);
	assert_int_equal(json_array_size(json_object_get(report, "changes")), N_GETS / 3);
	const json_t *policy = json_array_get(json_object_get(report, "policies"), 0);
	assert_string_equal(json_string_value(json_object_get(policy, "name")), "old");
	assert_int_equal(json_integer_value(json_object_get(policy, "newly_denied")), N_GETS / 3);
	assert_false(json_is_true(json_object_get(report, "capped")));
	json_decref(report);

	report = replay(book, gets_only,
	                &(struct replay_options){
				.filter = SV("user:alice"), .max_rows = 90, .hides_people = true});
	assert_int_equal(count_of(report, "considered"), 90);
	assert_true(json_is_true(json_object_get(report, "capped")));
	assert_true(json_is_null(json_object_get(report, "users")));
	const json_t *change = json_array_get(json_object_get(report, "changes"), 0);
	assert_non_null(change);
	assert_true(json_is_null(json_object_get(change, "user")));
	json_decref(report);
}

static void a_bad_query_has_its_place(void **state)
{
	struct book *book = *state;
	struct audit_query_error error = {0};
	struct replay_run *run = NULL;
	struct policy *policy = policy_of_text(ALLOW("{}"));
	const struct replay_options options = {.filter = SV("user:alice nonsense:1")};
	assert_int_equal(replay_run_open(book->store, policy, &options, &error, &run), -EINVAL);
	assert_int_equal(error.column, 12);
	assert_null(run);
	policy_unref(policy);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_the_book_keeps_is_judged),
		cmocka_unit_test(what_it_does_not_keep_is_not_guessed),
		cmocka_unit_test(a_service_may_have_been_named_or_found),
		cmocka_unit_test(a_text_that_was_cut_is_not_judged),
		cmocka_unit_test_setup_teardown(a_book_is_replayed_and_counted, book_setup,
	                                        book_teardown),
		cmocka_unit_test_setup_teardown(a_bad_query_has_its_place, book_setup,
	                                        book_teardown),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
