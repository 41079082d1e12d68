#ifndef AUDIT_QUERY_H
#define AUDIT_QUERY_H

#include "audit/record.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct audit_store;

/* Why a query was refused. `column` counts bytes of the filter text from 1; 0 when it is not about
 * a place. */
struct audit_query_error {
	unsigned column;
	const char *code; /* "invalid_query", "invalid_cursor" */
	char message[160];
};

/* A question to the book.
 *
 * filter  `verdict:deny service:orders,billing -policy:x user:"a b" ip:10.0.0.0/8 path:/v1/{*} word`:
 *         terms are joined by AND, commas by OR; `-` excludes, quotes keep blanks, `*` stands for any
 *         text; a bare word is looked for in user, service, policy, ids and as the path's beginning
 * range   half open [from_us, to_us); 0 is open
 * cursor  where an earlier answer to the same question stopped; empty: from the start
 */
struct audit_query_options {
	struct sv filter;
	uint64_t from_us, to_us;
	bool oldest_first;
	unsigned
		kinds; /* AUDIT_KIND_BIT()s; a kind: term narrows them. 0: AUDIT_KINDS_LISTED, or those
	                    that a kind: term names */
	unsigned hidden; /* AUDIT_KIND_BIT()s that are left out whatever is asked */
	struct sv cursor;
	unsigned limit;     /* rows of one page; 0 is 100. The API caps it at AUDIT_PAGE_MAX */
	unsigned budget_ms; /* time one page may take; 0 is AUDIT_QUERY_BUDGET_MS */
};

/* One answer: a record with its outcome. Everything is borrowed until the visitor returns. Change a
 * copy to mask what a reader may not see. */
struct audit_row {
	uint64_t seq;
	struct audit_record record;
	bool has_outcome;
	struct audit_record
		outcome; /* its at_us is the time of the report; the record itself when it
	                                is of kind AUDIT_OUTCOME or AUDIT_UNACCOUNTED */
};

/* Called for each row in order. Return 0 to go on; anything else stops the page before this row,
 * which the next page then begins with. */
typedef int audit_row_fn(void *user, const struct audit_row *row);

struct audit_query;

/* audit_query_open - parse the question and fix its upper bound, so that new rows never shift its
 * pages.
 *
 * in      options: borrowed for the call
 * out     *ret, owned, closed with audit_query_close() before the store; set only on 0
 *         error: filled on -EINVAL
 * errors  0, -EINVAL: filter, range or cursor refused; -ENOMEM, -EIO, ...
 * thread  any; one query belongs to one thread at a time
 */
MUST_CHECK int audit_query_open(struct audit_store *store,
                                const struct audit_query_options *options,
                                struct audit_query_error *error, struct audit_query **ret);
void audit_query_close(struct audit_query *query);

enum { AUDIT_CURSOR_MAX = 64 }; /* bytes of its text, with the final NUL */

struct audit_page {
	unsigned n_rows;
	bool exhausted; /* nothing behind this page; a short page with false ran out of its time */
	char cursor[AUDIT_CURSOR_MAX]; /* of the next page; empty when exhausted */
	uint64_t n_scanned;
};

/* audit_query_page - visit the next rows, at most options.limit, within one short read transaction.
 *
 * errors  0 or -errno; -EBADMSG: a stored record does not decode (the book is damaged: verify it)
 */
MUST_CHECK int audit_query_page(struct audit_query *query, audit_row_fn *visit, void *user,
                                struct audit_page *ret);

/* The filter in its normal form: borrowed from the query. */
struct sv audit_query_text(const struct audit_query *query);

/* audit_query_find - the decision (or admin, system ... event) with this id, with its outcome.
 *
 * errors  0, -ENOENT, -errno
 * thread  any
 */
MUST_CHECK int audit_query_find(struct audit_store *store, const struct event_id *id,
                                audit_row_fn *visit, void *user);

/* audit_time_parse - RFC 3339 time, a date, `now`, `now-15m` (s m h d w), or Unix seconds.
 * errors  0 or -EINVAL */
MUST_CHECK int audit_time_parse(struct sv text, int64_t now_us, uint64_t *ret_us);

#endif
