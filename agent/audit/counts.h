/* Counting the rows of a query: how many a step of time, and how many of each value of a field. */
#ifndef AUDIT_COUNTS_H
#define AUDIT_COUNTS_H

#include "audit/query.h"
#include "core/macros.h"
#include "core/sv.h"
#include "model/verdict.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* ---- over time ---- */

enum { HISTOGRAM_STEPS_MAX = 500 };

/* Half-open steps [from_us + i * step_us, ... + step_us). */
struct audit_histogram {
	uint64_t from_us, step_us;
	size_t n; /* steps */
	struct audit_bar {
		uint64_t verdicts[VERDICT_EFFECT_COUNT];
		uint64_t others; /* rows without a verdict */
	} bars[HISTOGRAM_STEPS_MAX];
};

/* audit_histogram_begin - the steps that cover [from_us, to_us), aligned to multiples of step_us.
 * errors  0, -E2BIG: more than HISTOGRAM_STEPS_MAX; -EINVAL: step 0, or a range that is empty */
MUST_CHECK int audit_histogram_begin(struct audit_histogram *histogram, uint64_t from_us,
                                     uint64_t to_us, uint64_t step_us);
/* An audit_row_fn; a row outside the steps is not counted. */
int audit_histogram_add(void *histogram, const struct audit_row *row);

/* ---- by value ---- */

enum {
	FACETS_MAX = 16,
	FACET_VALUES_MAX =
		4096, /* of one field that are told apart; rows of further ones are counted together */
};

/* A field that can be counted, by the name that a filter has for it. */
struct audit_facet_field;
/* NULL when there is none. */
const struct audit_facet_field *audit_facet_field(struct sv name);
const char *audit_facet_name(const struct audit_facet_field *field);

struct audit_facets;
/* errors  NULL: no memory, or n above FACETS_MAX */
MUST_CHECK struct audit_facets *audit_facets_new(const struct audit_facet_field *const *fields,
                                                 size_t n);
void audit_facets_free(struct audit_facets *facets);
/* An audit_row_fn. returns -ENOMEM when memory is out, which stops the page */
int audit_facets_add(void *facets, const struct audit_row *row);

struct audit_facet_value {
	struct sv text; /* borrowed from the facets */
	uint64_t count;
};
/* audit_facets_top - the values of field number i, the most frequent first, equal ones by name.
 * out     ret[0..return value); *ret_values: how many were told apart; *ret_others: rows whose value was not */
size_t audit_facets_top(const struct audit_facets *facets, size_t i, struct audit_facet_value *ret,
                        size_t max, size_t *ret_values, uint64_t *ret_others);

#endif
