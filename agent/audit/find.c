#include "audit/index.h"
#include "audit/outcome_join.h"
#include "audit/query.h"

#include <errno.h>

static const enum audit_kind findable[] = {AUDIT_REQUEST, AUDIT_CONNECTION,  AUDIT_ADMIN,
                                           AUDIT_SYSTEM,  AUDIT_UNACCOUNTED, AUDIT_GAP};

static int find_indexed(struct store_view *view, const struct event_id *id, uint64_t *ret)
{
	int r = view->index ? -ENOENT : -EAGAIN;
	for (size_t i = 0; i < ARRAY_LEN(findable) && r == -ENOENT; i++)
		r = index_id(view, id, findable[i], ret);
	return r == -EAGAIN ? -ENOENT : r;
}

static int find_in_tail(struct store_view *view, const struct event_id *id, uint64_t *ret)
{
	for (uint64_t seq = view->last_seq; seq > view->indexed_seq; seq--) {
		struct sv bytes;
		struct audit_head head;
		int r = store_view_bytes(view, seq, &bytes);
		if (r == 0)
			r = audit_record_head(bytes, &head);
		if (r != 0)
			return r;
		if (head.kind == AUDIT_OUTCOME || memcmp(&head.id, id, sizeof(*id)) != 0)
			continue;
		*ret = seq;
		return 0;
	}
	return -ENOENT;
}

static int find(struct store_view *view, struct outcome_tail *tail, const struct event_id *id,
                struct audit_row *row)
{
	int r = find_indexed(view, id, &row->seq);
	if (r == -ENOENT)
		r = find_in_tail(view, id, &row->seq);
	if (r == 0)
		r = store_view_record(view, row->seq, &row->record);
	return r == 0 ? outcome_join(view, tail, row) : r;
}

int audit_query_find(struct audit_store *store, const struct event_id *id, audit_row_fn *visit,
                     void *user)
{
	struct store_view view;
	struct audit_row row = {0};
	struct outcome_tail tail = {0};
	int r = store_view_open(store, &view);
	if (r != 0)
		return r;
	r = find(&view, &tail, id, &row);
	if (r == 0)
		r = visit(user, &row);
	store_view_close(&view);
	outcome_tail_free(&tail);
	return r;
}
