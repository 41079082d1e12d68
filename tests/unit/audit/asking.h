/* A question asked to its end. */
#ifndef UNIT_AUDIT_ASKING_H
#define UNIT_AUDIT_ASKING_H

#include "audit/book.h"

enum { PAGES_MAX = 100000 };

struct seen {
	uint64_t *seqs;
	size_t n;
};

static inline int note(void *user, const struct audit_row *row)
{
	struct seen *seen = user;
	seen->seqs[seen->n++] = row->seq;
	return 0;
}

/* All rows of a question, page by page, each page with the last one's cursor. */
static inline void ask(struct book *book, struct audit_query_options options, struct seen *seen)
{
	struct audit_query_error error;
	struct audit_page page = {0};
	char cursor[AUDIT_CURSOR_MAX] = "";
	seen->n = 0;
	for (int i = 0; i < PAGES_MAX; i++) {
		struct audit_query *query = NULL;
		options.cursor = sv_of(cursor);
		assert_int_equal(audit_query_open(book->store, &options, &error, &query), 0);
		assert_int_equal(audit_query_page(query, note, seen, &page), 0);
		audit_query_close(query);
		assert_true(options.limit == 0 || page.n_rows <= options.limit);
		if (page.exhausted)
			return;
		memcpy(cursor, page.cursor, sizeof(cursor));
	}
	fail();
}

#endif
