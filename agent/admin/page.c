#include "admin/page.h"

#include "admin/call.h"
#include "admin/input.h"
#include "admin/reply.h"
#include "core/jsonload.h"

#include <errno.h>

enum { PAGE_DEFAULT = 100, PAGE_MAX = 1000, SEARCH_MAX_BYTES = 256 };

bool page_begin(struct call *call, struct page *ret)
{
	const struct sv *search = target_param(&call->target, "q");
	const struct sv *cursor = target_param(&call->target, "cursor");
	*ret = (struct page){.limit = PAGE_DEFAULT};
	if (search)
		ret->search = *search;
	if (cursor)
		ret->cursor = *cursor;
	if (!query_number(call, "limit", PAGE_MAX, &ret->limit))
		return false;
	if (ret->search.n > SEARCH_MAX_BYTES) {
		reply_problem(call, PROBLEM_INVALID_QUERY, "'q' is too long.");
		return false;
	}
	ret->items = json_array();
	return true;
}

bool page_seeks(const struct page *page, struct sv text)
{
	struct sv part = page->search;
	for (size_t at = 0; at + part.n <= text.n; at++)
		if (sv_starts_ci(sv_from(text, at), part))
			return true;
	return part.n == 0;
}

bool page_is_full(struct page *page)
{
	page->more = json_array_size(page->items) == page->limit;
	return page->more;
}

int page_add(struct page *page, json_t *item)
{
	return json_array_append_new(page->items, item) == 0 ? 0 : -ENOMEM;
}

void page_reply(struct call *call, struct page *page, struct sv last)
{
	reply_json(call, 200,
	           json_pack("{s:o, s:o, s:b}", "items", page->items, "next_cursor",
	                     page->more ? json_sv(last) : json_null(), "exhausted", !page->more));
	page->items = NULL;
}

void page_drop(struct page *page)
{
	json_decref(page->items);
	page->items = NULL;
}
