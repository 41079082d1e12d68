/* One page of a list that is searched by text: one item more than asked for is looked at, to know whether there is
 * more. */
#ifndef ADMIN_PAGE_H
#define ADMIN_PAGE_H

#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>
#include <stdbool.h>

struct call;

struct page {
	json_t *items; /* owned until page_reply() or page_drop() */
	struct sv search;
	struct sv cursor; /* behind which it begins; empty: with the first */
	unsigned long long limit;
	bool more;
};

/* page_begin - reads `q`, `limit` and `cursor`. returns false: the reply is set */
MUST_CHECK bool page_begin(struct call *call, struct page *ret);

/* page_seeks - is what is searched for in the text? Case does not matter; nothing searched for is in any. */
bool page_seeks(const struct page *page, struct sv text);

/* page_is_full - to be asked before page_add(): true ends the visit, and there is more. */
bool page_is_full(struct page *page);

/* page_add - in: item: taken, NULL when memory was out. errors: 0, -ENOMEM */
MUST_CHECK int page_add(struct page *page, json_t *item);

/* page_reply - the answer. in: last: the cursor of the last item; only looked at when there is more */
void page_reply(struct call *call, struct page *page, struct sv last);
void page_drop(struct page *page);

#endif
