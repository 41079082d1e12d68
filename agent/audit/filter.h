/* The filter text of a query, parsed once. */
#ifndef AUDIT_FILTER_H
#define AUDIT_FILTER_H

#include "audit/index.h"
#include "audit/query.h"
#include "audit/record.h"

struct audit_filter;

/* audit_filter_parse - `field:value,value -field:value word "two words"`.
 *
 * out     *ret, owned (free with audit_filter_free); *error on -EINVAL
 * errors  0, -EINVAL, -ENOMEM
 */
MUST_CHECK int audit_filter_parse(struct sv text, struct audit_query_error *error,
                                  struct audit_filter **ret);
void audit_filter_free(struct audit_filter *filter);

/* The same question in its one form; borrowed. */
struct sv audit_filter_text(const struct audit_filter *filter);

/* audit_filter_wants - whether the row answers the filter; has_outcome must be right when
 * audit_filter_needs_outcome(). */
bool audit_filter_wants(const struct audit_filter *filter, const struct audit_row *row);
bool audit_filter_needs_outcome(const struct audit_filter *filter);
/* Kinds that kind: terms name, among those that are `possible`; `unnamed` when none names one. Kinds that
 * a term excludes are in neither. */
unsigned audit_filter_kinds(const struct audit_filter *filter, unsigned unnamed, unsigned possible);

/* The terms an index answers: values of term i are joined by OR, terms by AND. */
struct audit_filter_term {
	enum index_field field;
	size_t n_values;
};
size_t audit_filter_indexed(const struct audit_filter *filter);
struct audit_filter_term audit_filter_indexed_at(const struct audit_filter *filter, size_t i);
struct sv audit_filter_indexed_value(const struct audit_filter *filter, size_t i, size_t value);

/* audit_filter_id - the one event id that the filter asks for; false when it does not. */
bool audit_filter_id(const struct audit_filter *filter, struct event_id *ret);

#endif
