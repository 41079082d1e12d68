#include "audit/asking.h"
#include "audit/book.h"
#include "audit/filter.h"

enum { N = 40000 };

/* What the sample generator put there, decided without any of the code under test. */
typedef bool wants_fn(unsigned i);

static bool user_3(unsigned i)
{
	return i % 97 == 3;
}

static bool denied_orders(unsigned i)
{
	return i % 3 == 1 && i % 7 % 3 == 0;
}

static bool two_services(unsigned i)
{
	return i % 7 % 3 != 2;
}

static bool not_allowed_post(unsigned i)
{
	return i % 3 != 0 && i % 5 == 0;
}

static bool network(unsigned i)
{
	return i % 3 == 1;
}

static bool path_glob(unsigned i)
{
	return i % 2 == 1 && i % 97 == 5;
}

static bool rare(unsigned i)
{
	return i == 12345;
}

static bool everything(unsigned i)
{
	(void)i;
	return true;
}

static bool none(unsigned i)
{
	(void)i;
	return false;
}

static const struct {
	struct sv filter;
	wants_fn *wants;
} questions[] = {
	{SV(""), everything},
	{SV("user:user-3"), user_3},
	{SV("verdict:deny service:orders"), denied_orders},
	{SV("service:orders,billing"), two_services},
	{SV("-verdict:allow method:post"), not_allowed_post},
	{SV("ip:10.1.0.0/16"), network},
	{SV("user:user-5 path:/v2/*"), path_glob},
	{SV("request_id:req-12345"), rare},
	{SV("req-12345"), rare},
	{SV("/v2/items/12345 user:user-26"), rare},
	{SV("user:nobody"), none},
	{SV("user:user-3 -user:user-3"), none},
	{SV("status:4xx status:<400"), none},
	{SV("took_us:3 took_us:>2 policy_version:7 has:user -has:workload"), everything},
	{SV("reason:no_policy* auth_method:jwt"), everything},
};

static void check_all(struct book *book, struct seen *seen, bool oldest_first, unsigned limit)
{
	for (size_t q = 0; q < ARRAY_LEN(questions); q++) {
		struct audit_query_options options = {.filter = questions[q].filter,
		                                      .oldest_first = oldest_first,
		                                      .limit = limit,
		                                      .budget_ms = 60000};
		ask(book, options, seen);
		size_t n = 0;
		for (unsigned k = 0; k < N; k++) {
			unsigned i = oldest_first ? k : N - 1 - k;
			if (!questions[q].wants(i))
				continue;
			assert_true(n < seen->n);
			assert_int_equal(seen->seqs[n++], i + 1);
		}
		assert_int_equal(n, seen->n);
	}
}

static int filled_setup(void **state)
{
	int r = book_setup(state);
	book_add(*state, 0, N);
	book_sync(*state);
	return r;
}

static void answers_are_those_of_brute_force(void **state)
{
	struct seen seen = {.seqs = calloc(2 * N, sizeof(uint64_t))};
	check_all(*state, &seen, false, 1000); /* indexed in part at most */
	book_index(*state);
	check_all(*state, &seen, false, 1000);
	check_all(*state, &seen, true, 777);
	free(seen.seqs);
}

static void answer_without_an_index_is_the_same(void **state)
{
	struct book *book = *state;
	struct seen seen = {.seqs = calloc(2 * N, sizeof(uint64_t))};
	char command[160], path[128];
	book_index(book);
	book_close(book);
	book_path(book, "audit/index", path);
	snprintf(command, sizeof(command), "rm -rf '%s'", path);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): own temporary directory */
	book_path(book, "audit", path);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_READ, 0, &book->store), 0);
	check_all(book, &seen, false, 1000);
	free(seen.seqs);
}

static void new_rows_never_shift_pages(void **state)
{
	struct book *book = *state;
	struct audit_query_options options = {.filter = SV("service:orders"), .limit = 50};
	struct audit_query_error error;
	uint64_t seqs[64], last = UINT64_MAX, total = 0;
	char cursor[AUDIT_CURSOR_MAX] = "";
	book_index(book);
	for (unsigned pages = 0; pages < 2000; pages++) {
		struct seen seen = {.seqs = seqs};
		struct audit_query *query = NULL;
		struct audit_page page;
		options.cursor = sv_of(cursor);
		assert_int_equal(audit_query_open(book->store, &options, &error, &query), 0);
		assert_int_equal(audit_query_page(query, note, &seen, &page), 0);
		audit_query_close(query);
		for (size_t i = 0; i < seen.n; i++) {
			assert_true(seqs[i] < last && seqs[i] <= N);
			last = seqs[i];
		}
		total += seen.n;
		if (page.exhausted)
			break;
		memcpy(cursor, page.cursor, sizeof(cursor));
		if (pages % 20 == 0) {
			book_add(book, N + pages, 10);
			book_sync(book);
		}
	}
	uint64_t expected = 0;
	for (unsigned i = 0; i < N; i++)
		expected += i % 7 % 3 == 0;
	assert_int_equal(total, expected);
}

static void cursor_of_another_question_is_refused(void **state)
{
	struct book *book = *state;
	struct audit_query_options options = {.filter = SV("user:user-1"), .limit = 1};
	struct audit_query_error error;
	struct audit_query *query = NULL, *other = NULL;
	struct audit_page page;
	uint64_t seqs[4];
	struct seen seen = {.seqs = seqs};
	assert_int_equal(audit_query_open(book->store, &options, &error, &query), 0);
	assert_int_equal(audit_query_page(query, note, &seen, &page), 0);
	audit_query_close(query);
	options.cursor = sv_of(page.cursor);
	options.filter = SVL("user:user-2");
	assert_int_equal(audit_query_open(book->store, &options, &error, &other), -EINVAL);
	assert_string_equal(error.code, "invalid_cursor");
	options.filter = SVL("user:user-1");
	options.oldest_first = true;
	assert_int_equal(audit_query_open(book->store, &options, &error, &other), -EINVAL);
	options.oldest_first = false;
	options.cursor = SVL("bm9uc2Vuc2U");
	assert_int_equal(audit_query_open(book->store, &options, &error, &other), -EINVAL);
}

static void range_is_half_open(void **state)
{
	struct book *book = *state;
	static const int64_t times[] = {5000000, 1000000, 3000000, 3000001,
	                                2000000}; /* steps back */
	struct audit_journal *j = audit_journals_worker(book->journals, 0);
	struct seen seen = {.seqs = (uint64_t[8]){0}};
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		struct sample s;
		sample_make(&s, &book->ids, (unsigned)i);
		s.decision.at_us = times[i];
		assert_int_equal(audit_submit(j, &s.req, &s.decision), 0);
	}
	for (int indexed = 0; indexed < 2; indexed++) {
		if (indexed)
			book_index(book);
		else
			book_sync(book);
		struct audit_query_options options = {
			.from_us = 2000000, .to_us = 3000001, .oldest_first = true};
		ask(book, options, &seen);
		assert_int_equal(seen.n, 2);
		assert_int_equal(seen.seqs[0], 3);
		assert_int_equal(seen.seqs[1], 5);
		options.from_us = 6000000;
		options.to_us = 0;
		ask(book, options, &seen);
		assert_int_equal(seen.n, 0);
	}
}

/* One bucket, wholly indexed, whose last record is a row: the end is the end, in either direction. */
static void the_last_record_of_the_first_bucket_ends_a_question(void **state)
{
	struct book *book = *state;
	enum { FEW = 20 };
	static const struct sv filters[] = {SV(""), SV("verdict:deny"), SV("method:get"),
	                                    SV("kind:request"), SV("user:user-19")};
	uint64_t seqs[8 * FEW];
	struct seen seen = {.seqs = seqs};
	book_add(book, 0, FEW);
	book_index(book);
	for (size_t i = 0; i < 2 * ARRAY_LEN(filters); i++) {
		/* no more than the room: what begins again is seen, and does not overrun */
		struct audit_query_options options = {
			.filter = filters[i / 2], .oldest_first = i % 2, .limit = 4 * FEW};
		struct audit_query_error error;
		struct audit_query *query = NULL;
		struct audit_page page;
		seen.n = 0;
		assert_int_equal(audit_query_open(book->store, &options, &error, &query), 0);
		assert_int_equal(audit_query_page(query, note, &seen, &page), 0);
		audit_query_close(query);
		assert_true(page.exhausted);
		assert_true(seen.n > 0 && seen.n <= FEW);
		for (size_t k = 1; k < seen.n; k++)
			assert_true(options.oldest_first ? seqs[k] > seqs[k - 1]
			                                 : seqs[k] < seqs[k - 1]);
	}
}

static void few_admin_acts_are_found_among_many_requests(void **state)
{
	struct book *book = *state;
	struct audit_act act = {
		.actor = SV("ann"), .action = SV("session.create"), .result = SV("ok")};
	uint64_t seqs[8];
	struct seen seen = {.seqs = seqs};
	assert_int_equal(audit_submit_admin(audit_journals_admin(book->journals), &act), 0);
	book_index(book);
	struct audit_query_options options = {.kinds = AUDIT_KIND_BIT(AUDIT_ADMIN)};
	struct audit_query_error error;
	struct audit_query *query = NULL;
	struct audit_page page;
	assert_int_equal(audit_query_open(book->store, &options, &error, &query), 0);
	assert_int_equal(audit_query_page(query, note, &seen, &page), 0);
	audit_query_close(query);
	assert_int_equal(page.n_rows, 1);
	assert_true(page.n_scanned < 10);
}

static void bad_filters_name_their_place(void **state)
{
	(void)state;
	static const struct {
		struct sv text;
		unsigned column;
	} cases[] = {
		{SV("usr:alice"), 1},     {SV("user:alice  foo:bar"), 13},
		{SV("verdict:maybe"), 9}, {SV("ip:10.0.0.1/8"), 4},
		{SV("status:abc"), 8},    {SV("user:"), 6},
		{SV("user:a,,b"), 8},     {SV("user:\"abc"), 6},
		{SV("user:\"a\"b"), 9},   {SV("id:123"), 4},
		{SV("has:beard"), 5},     {SV("-"), 2},
		{SV("status:<0"), 8},     {SV("kind:none"), 6},
		{SV("took_us:1..x"), 9},  {SV("trace_id:12"), 10},
		{SV("http://x"), 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct audit_query_error error = {0};
		struct audit_filter *filter = NULL;
		assert_int_equal(audit_filter_parse(cases[i].text, &error, &filter), -EINVAL);
		assert_int_equal(error.column, cases[i].column);
		assert_string_equal(error.code, "invalid_query");
		assert_true(error.message[0] != '\0');
	}
}

static void normal_form_is_stable(void **state)
{
	(void)state;
	static const struct {
		struct sv in;
		const char *out;
	} cases[] = {
		{SV(""), ""},
		{SV("  user:a   word "), "user:a word"},
		{SV("user:\"a b\",c -path:/x/*"), "user:\"a b\",c -path:/x/*"},
		{SV("user:\"plain\" \"-x\""), "user:plain \"-x\""},
		{SV("path:\"/a*\""), "path:\"/a*\""},
		{SV("user:\"q\\\"q\""), "user:\"q\\\"q\""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct audit_query_error error;
		struct audit_filter *filter = NULL, *again = NULL;
		assert_int_equal(audit_filter_parse(cases[i].in, &error, &filter), 0);
		assert_true(sv_eq(audit_filter_text(filter), sv_of(cases[i].out)));
		assert_int_equal(audit_filter_parse(audit_filter_text(filter), &error, &again), 0);
		assert_true(sv_eq(audit_filter_text(again), sv_of(cases[i].out)));
		audit_filter_free(filter);
		audit_filter_free(again);
	}
}

static void times_are_read(void **state)
{
	(void)state;
	static const struct {
		struct sv text;
		int error;
		uint64_t us;
	} cases[] = {
		{SV("now"), 0, 1000000000000},
		{SV("now-15m"), 0, 1000000000000 - 900000000},
		{SV("now-2w"), 0, 0},
		{SV("now+1m"), -EINVAL, 0},
		{SV("now-m"), -EINVAL, 0},
		{SV("now-5y"), -EINVAL, 0},
		{SV("1700000000"), 0, 1700000000000000},
		{SV("2026-11-23T15:04:05Z"), 0, 1795446245000000},
		{SV("yesterday"), -EINVAL, 0},
		{SV(""), -EINVAL, 0},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint64_t us = 0;
		assert_int_equal(audit_time_parse(cases[i].text, 1000000000000, &us),
		                 cases[i].error);
		assert_int_equal(us, cases[i].us);
	}
}

#define ROW(test)    cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)
#define FILLED(test) cmocka_unit_test_setup_teardown(test, filled_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		FILLED(answers_are_those_of_brute_force),
		FILLED(answer_without_an_index_is_the_same),
		FILLED(new_rows_never_shift_pages),
		FILLED(cursor_of_another_question_is_refused),
		FILLED(few_admin_acts_are_found_among_many_requests),
		ROW(the_last_record_of_the_first_bucket_ends_a_question),
		ROW(range_is_half_open),
		cmocka_unit_test(bad_filters_name_their_place),
		cmocka_unit_test(normal_form_is_stable),
		cmocka_unit_test(times_are_read),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
