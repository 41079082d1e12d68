#include "audit/outcome_join.h"

#include "audit/index.h"

#include <errno.h>
#include <stdlib.h>

enum {
	TAIL_OUTCOMES = 1 << 16, /* slots of the table */
	TAIL_SCAN_MAX = 1 << 18, /* records of the tail that are searched */
};

struct outcome_slot {
	struct event_id id;
	uint64_t seq; /* 0: free */
};

void outcome_tail_forget(struct outcome_tail *tail)
{
	tail->ready = false;
}

void outcome_tail_free(struct outcome_tail *tail)
{
	free(tail->slots);
	*tail = (struct outcome_tail){0};
}

static size_t tail_slot(const struct outcome_tail *tail, const struct event_id *id)
{
	uint64_t hash;
	memcpy(&hash, id->bytes + EVENT_ID_BYTES - sizeof(hash), sizeof(hash)); /* random bytes */
	size_t i = (hash ^ hash >> 29) % TAIL_OUTCOMES;
	while (tail->slots[i].seq && memcmp(&tail->slots[i].id, id, sizeof(*id)) != 0)
		i = (i + 1) % TAIL_OUTCOMES;
	return i;
}

static int tail_collect(struct store_view *view, struct outcome_tail *tail)
{
	if (!tail->slots)
		tail->slots = calloc(TAIL_OUTCOMES, sizeof(*tail->slots));
	if (!tail->slots)
		return -ENOMEM;
	if (tail->n)
		memset(tail->slots, 0, TAIL_OUTCOMES * sizeof(*tail->slots));
	tail->n = 0;
	tail->ready = true;
	uint64_t seq = view->indexed_seq + 1;
	if (view->last_seq > TAIL_SCAN_MAX && view->last_seq - TAIL_SCAN_MAX > seq)
		seq = view->last_seq - TAIL_SCAN_MAX;
	for (; seq <= view->last_seq && tail->n < TAIL_OUTCOMES / 2; seq++) {
		struct sv bytes;
		struct audit_head head;
		int r = store_view_bytes(view, seq, &bytes);
		if (r != 0)
			return r;
		if (audit_record_head(bytes, &head) != 0 || head.kind != AUDIT_OUTCOME)
			continue;
		size_t i = tail_slot(tail, &head.id);
		tail->n += tail->slots[i].seq == 0;
		tail->slots[i].id = head.id;
		tail->slots[i].seq = seq; /* the last report stands */
	}
	return 0;
}

static int outcome_seq(struct store_view *view, struct outcome_tail *tail,
                       const struct event_id *id, uint64_t *ret)
{
	*ret = 0;
	if (view->indexed_seq < view->last_seq) {
		int r = tail->ready ? 0 : tail_collect(view, tail);
		if (r != 0)
			return r;
		*ret = tail->slots[tail_slot(tail, id)].seq;
	}
	if (*ret || !view->index || view->is_bare)
		return 0;
	int r = index_id(view, id, AUDIT_OUTCOME, ret);
	return r == -ENOENT ? 0 : r;
}

int outcome_join(struct store_view *view, struct outcome_tail *tail, struct audit_row *row)
{
	uint64_t seq;
	row->has_outcome = false;
	if (row->record.kind == AUDIT_UNACCOUNTED || row->record.kind == AUDIT_OUTCOME) {
		row->has_outcome = true;
		row->outcome = row->record;
		return 0;
	}
	if (row->record.kind != AUDIT_REQUEST && row->record.kind != AUDIT_CONNECTION)
		return 0;
	int r = outcome_seq(view, tail, &row->record.id, &seq);
	if (r != 0 || seq == 0)
		return r;
	r = store_view_record(view, seq, &row->outcome);
	row->has_outcome = r == 0;
	return r;
}
