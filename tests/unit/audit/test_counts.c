/* What is counted is what a plain walk over the same rows counts. */
#include "audit/book.h"
#include "audit/counts.h"

enum { N = 900 };

struct plain {
	uint64_t verdicts[VERDICT_EFFECT_COUNT], others, n;
	uint64_t first_us, last_us;
};

static int count_plainly(void *user, const struct audit_row *row)
{
	struct plain *plain = user;
	if (row->record.has_verdict)
		plain->verdicts[row->record.effect]++;
	else
		plain->others++;
	plain->n++;
	if (plain->first_us == 0 || row->record.at_us < plain->first_us)
		plain->first_us = row->record.at_us;
	if (row->record.at_us > plain->last_us)
		plain->last_us = row->record.at_us;
	return 0;
}

static void ask(struct book *book, audit_row_fn *visit, void *user)
{
	struct audit_query_options options = {.limit = UINT32_MAX, .budget_ms = 60000};
	struct audit_query_error error;
	struct audit_query *query = NULL;
	struct audit_page page;
	assert_int_equal(audit_query_open(book->store, &options, &error, &query), 0);
	assert_int_equal(audit_query_page(query, visit, user, &page), 0);
	assert_true(page.exhausted);
	audit_query_close(query);
}

static void fill(struct book *book)
{
	book_add(book, 0, N);
	book_sync(book);
}

static void a_histogram_adds_up(void **state)
{
	struct book *book = *state;
	struct plain plain = {0};
	static struct audit_histogram histogram;
	fill(book);
	ask(book, count_plainly, &plain);
	assert_true(plain.n >= N);
	uint64_t step = (plain.last_us - plain.first_us) / 7 + 1;
	assert_int_equal(audit_histogram_begin(&histogram, plain.first_us, plain.last_us + 1, step),
	                 0);
	assert_true(histogram.from_us <= plain.first_us && histogram.from_us % step == 0);
	assert_true(histogram.n >= 7 && histogram.n <= 9);
	ask(book, audit_histogram_add, &histogram);
	for (size_t i = 0; i < histogram.n; i++) {
		for (unsigned k = 0; k < VERDICT_EFFECT_COUNT; k++)
			plain.verdicts[k] -= histogram.bars[i].verdicts[k];
		plain.others -= histogram.bars[i].others;
	}
	for (unsigned k = 0; k < VERDICT_EFFECT_COUNT; k++)
		assert_int_equal(plain.verdicts[k], 0);
	assert_int_equal(plain.others, 0);
}

static void steps_are_half_open(void **state)
{
	static struct audit_histogram histogram;
	struct audit_row row = {.record = {.has_verdict = true, .effect = VERDICT_ALLOW}};
	(void)state;
	assert_int_equal(audit_histogram_begin(&histogram, 95, 120, 10), 0);
	assert_int_equal(histogram.from_us, 90);
	assert_int_equal(histogram.n, 3);
	for (row.record.at_us = 80; row.record.at_us < 130; row.record.at_us++)
		assert_int_equal(audit_histogram_add(&histogram, &row), 0);
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(histogram.bars[i].verdicts[VERDICT_ALLOW], 10);
	assert_int_equal(audit_histogram_begin(&histogram, 10, 10, 1), -EINVAL);
	assert_int_equal(audit_histogram_begin(&histogram, 0, 10, 0), -EINVAL);
	assert_int_equal(audit_histogram_begin(&histogram, 0, 500, 1), 0);
	assert_int_equal(audit_histogram_begin(&histogram, 0, 501, 1), -E2BIG);
}

static void values_are_counted_and_sorted(void **state)
{
	struct book *book = *state;
	const struct audit_facet_field *fields[] = {audit_facet_field(SVL("verdict")),
	                                            audit_facet_field(SVL("kind"))};
	struct audit_facet_value values[10];
	struct plain plain = {0};
	size_t n_values;
	uint64_t others, sum = 0;
	fill(book);
	ask(book, count_plainly, &plain);
	struct audit_facets *facets = audit_facets_new(fields, 2);
	assert_non_null(facets);
	ask(book, audit_facets_add, facets);
	size_t n = audit_facets_top(facets, 0, values, 10, &n_values, &others);
	assert_true(n > 0 && n == n_values && others == 0);
	for (size_t i = 0; i < n; i++) {
		enum verdict_effect effect;
		assert_true(verdict_effect_find(values[i].text, &effect));
		assert_int_equal(values[i].count, plain.verdicts[effect]);
		assert_true(i == 0 || values[i].count <= values[i - 1].count);
	}
	n = audit_facets_top(facets, 1, values, 10, &n_values, &others);
	for (size_t i = 0; i < n; i++)
		sum += values[i].count;
	assert_int_equal(sum, plain.n);
	audit_facets_free(facets);
}

/* Strangers choose the values: room is bounded, and what did not fit is told. */
static void too_many_values_are_others(void **state)
{
	const struct audit_facet_field *user = audit_facet_field(SVL("user"));
	struct audit_facets *facets = audit_facets_new(&user, 1);
	struct audit_facet_value top[3];
	char name[16];
	size_t n_values;
	uint64_t others;
	(void)state;
	assert_non_null(facets);
	for (unsigned i = 0; i < FACET_VALUES_MAX + 100; i++) {
		snprintf(name, sizeof(name), "u%u", i);
		struct audit_row row = {.record = {.user = sv_of(name)}};
		for (int k = 0; k < 1 + (i == 17) + 2 * (i == 5); k++)
			assert_int_equal(audit_facets_add(facets, &row), 0);
	}
	assert_int_equal(audit_facets_top(facets, 0, top, 3, &n_values, &others), 3);
	assert_int_equal(n_values, FACET_VALUES_MAX);
	assert_int_equal(others, 100);
	assert_true(sv_eq(top[0].text, SVL("u5")) && top[0].count == 3);
	assert_true(sv_eq(top[1].text, SVL("u17")) && top[1].count == 2);
	assert_true(sv_eq(top[2].text, SVL("u0")) && top[2].count == 1);
	audit_facets_free(facets);
	assert_null(audit_facet_field(SVL("path")));
}

#define ROW(test) cmocka_unit_test_setup_teardown(test, book_setup, book_teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(a_histogram_adds_up),
		cmocka_unit_test(steps_are_half_open),
		ROW(values_are_counted_and_sorted),
		cmocka_unit_test(too_many_values_are_others),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
