/* Outcomes beside their decisions, and which kinds of event a question is about. */
#include "audit/asking.h"
#include "audit/book.h"
#include "audit/store_file.h"

static int keep_outcome(void *user, const struct audit_row *row)
{
	*(int64_t *)user = row->has_outcome ? audit_number(row->outcome.out_status) : -2;
	return 0;
}

static void outcome_joins_its_decision(void **state)
{
	struct book *book = *state;
	struct sample with, without;
	struct outcome outcome = outcome_unknown();
	struct audit_journal *j = audit_journals_worker(book->journals, 0);
	sample_make(&with, &book->ids, 1);
	sample_make(&without, &book->ids, 2);
	outcome.event = with.decision.event;
	outcome.status = 201;
	assert_int_equal(audit_submit(j, &with.req, &with.decision), 0);
	assert_int_equal(audit_submit(j, &without.req, &without.decision), 0);
	assert_int_equal(audit_submit_outcome(j, &outcome), 0);
	for (int indexed = 0; indexed < 2; indexed++) {
		int64_t status = -9;
		struct seen seen = {.seqs = (uint64_t[8]){0}};
		if (indexed)
			book_index(book);
		else
			book_sync(book);
		assert_int_equal(
			audit_query_find(book->store, &with.decision.event, keep_outcome, &status),
			0);
		assert_int_equal(status, 201);
		assert_int_equal(audit_query_find(book->store, &without.decision.event,
		                                  keep_outcome, &status),
		                 0);
		assert_int_equal(status, -2);
		struct audit_query_options options = {.filter = SV("outcome_status:2xx")};
		ask(book, options, &seen);
		assert_int_equal(seen.n, 1);
		options.filter = SVL("-has:outcome");
		ask(book, options, &seen);
		assert_int_equal(seen.n, 1);
		options.filter = SVL("kind:outcome");
		ask(book, options, &seen);
		assert_int_equal(seen.n, 1);
		char text[64] = "id:";
		(void)event_id_text(&with.decision.event, text + 3);
		options.filter = sv_of(text);
		ask(book, options, &seen);
		assert_int_equal(seen.n, 1);
		assert_int_equal(seen.seqs[0], 1);
	}
	struct event_id nobody = {.bytes = {9}};
	int64_t status;
	assert_int_equal(audit_query_find(book->store, &nobody, keep_outcome, &status), -ENOENT);
}

static bool is_bare(struct book *book)
{
	struct store_view view;
	assert_int_equal(store_view_open(book->store, &view), 0);
	bool bare = view.is_bare;
	store_view_close(&view);
	return bare;
}

/* As an index was that did not keep count. */
static void forget_count(struct book *book)
{
	MDB_txn *txn = NULL;
	MDB_val key = store_text_key("bare");
	assert_int_equal(mdb_txn_begin(book->store->index, NULL, 0, &txn), 0);
	assert_int_equal(mdb_del(txn, book->store->index_meta, &key, NULL), 0);
	assert_int_equal(mdb_txn_commit(txn), 0);
}

/* While no outcome was indexed none is looked up; from the first on, and without the count, all are. */
static void first_outcome_ends_what_is_bare(void **state)
{
	struct book *book = *state;
	struct sample s;
	struct outcome outcome = outcome_unknown();
	int64_t status = -9;
	book_add(book, 0, 50);
	book_index(book);
	assert_true(is_bare(book));
	sample_make(&s, &book->ids, 50);
	assert_int_equal(
		audit_submit(audit_journals_worker(book->journals, 0), &s.req, &s.decision), 0);
	book_index(book);
	assert_true(is_bare(book));
	outcome.event = s.decision.event;
	outcome.status = 204;
	assert_int_equal(audit_submit_outcome(audit_journals_worker(book->journals, 0), &outcome),
	                 0);
	book_index(book);
	for (int turn = 0; turn < 3; turn++) {
		assert_false(is_bare(book));
		assert_int_equal(
			audit_query_find(book->store, &s.decision.event, keep_outcome, &status), 0);
		assert_int_equal(status, 204);
		if (turn == 0)
			forget_count(book);
		if (turn == 1) {
			book_close(book);
			book_open(book, 2);
		}
		book_add(book, 51 + (unsigned)turn * 10, 10);
		book_index(book);
	}
}

static unsigned rows_of(struct book *book, struct audit_query_options options)
{
	struct seen seen = {.seqs = (uint64_t[16]){0}};
	ask(book, options, &seen);
	return (unsigned)seen.n;
}

/* Two requests, one outcome, one act. */
static void kinds_are_those_asked_for(void **state)
{
	struct book *book = *state;
	struct sample s;
	struct outcome outcome = outcome_unknown();
	struct audit_act act = {
		.actor = SV("ann"), .action = SV("session.create"), .result = SV("ok")};
	struct audit_journal *j = audit_journals_worker(book->journals, 0);
	for (unsigned i = 0; i < 2; i++) {
		sample_make(&s, &book->ids, i);
		assert_int_equal(audit_submit(j, &s.req, &s.decision), 0);
	}
	outcome.event = s.decision.event;
	outcome.status = 201;
	assert_int_equal(audit_submit_outcome(j, &outcome), 0);
	assert_int_equal(audit_submit_admin(audit_journals_admin(book->journals), &act), 0);
	book_index(book);
	const unsigned admin = AUDIT_KIND_BIT(AUDIT_ADMIN), request = AUDIT_KIND_BIT(AUDIT_REQUEST);
	const struct {
		struct sv filter;
		unsigned kinds, hidden, rows;
	} cases[] = {
		{SV(""), 0, 0, 3},
		{SV("kind:outcome"), 0, 0, 1},
		{SV("kind:request,outcome"), 0, 0, 3},
		{SV("kind:outcome outcome_status:201"), 0, 0, 1},
		{SV("kind:outcome outcome_status:4xx"), 0, 0, 0},
		{SV("kind:request,outcome -kind:request"), 0, 0, 1},
		{SV("-kind:request"), 0, 0, 1},
		{SV(""), 0, admin, 2},
		{SV("kind:admin"), 0, admin, 0},
		{SV("kind:admin,request"), 0, admin, 2},
		{SV("kind:outcome"), admin, 0, 0},
		{SV(""), admin | request, request, 1},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct audit_query_options options = {.filter = cases[i].filter,
		                                      .kinds = cases[i].kinds,
		                                      .hidden = cases[i].hidden};
		assert_int_equal(rows_of(book, options), cases[i].rows);
	}
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(outcome_joins_its_decision),
		ROW(first_outcome_ends_what_is_bare),
		ROW(kinds_are_those_asked_for),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
