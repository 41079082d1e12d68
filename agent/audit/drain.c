#include "audit/drain.h"

#include "audit/record.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"

#include <errno.h>

enum { GAP_BYTES = 512 };

struct ring *drain_ring(const struct drain *drain, size_t i)
{
	return &audit_journals_at(drain->journals, i)->ring;
}

static int put_gap(struct drain *drain, struct store_batch *batch)
{
	uint8_t room[GAP_BYTES];
	int64_t now_us = clock_real_us();
	struct audit_record gap = {.kind = AUDIT_GAP,
	                           .at_us = (uint64_t)now_us,
	                           .action = SVL("gap"),
	                           .detail = SVL("journal damaged or book behind it"),
	                           .gap_count = drain->n_lost,
	                           .gap_first_us = (uint64_t)now_us,
	                           .gap_last_us = (uint64_t)now_us};
	struct outbuf out = outbuf_over(room, sizeof(room));
	if (!event_id_next(&drain->ids, now_us, &gap.id))
		return -EIO;
	audit_record_encode(&gap, &out);
	return store_batch_put(batch, outbuf_sv(&out));
}

/* Takes the turn of one journal. */
static int take_turn(struct drain *drain, size_t i, struct store_batch *batch, unsigned *n)
{
	struct sv record;
	for (unsigned k = 0; k < DRAIN_TURN_RECORDS; k++) {
		enum ring_read read = ring_next(drain_ring(drain, i), &drain->next[i], &record);
		if (read == RING_EMPTY)
			return 0;
		if (read == RING_DAMAGED) {
			uint64_t lost;
			drain->next[i] = ring_skip(drain_ring(drain, i), drain->next[i], &lost);
			drain->n_lost += lost;
			(*n)++;
			log_event(LOG_ERROR, "journal_damaged", "journal=%s n_lost=%llu",
			          audit_journal_name(audit_journals_at(drain->journals, i)),
			          (unsigned long long)lost);
			return 0;
		}
		int r = store_batch_put(batch, record);
		if (r != 0)
			return r;
		(*n)++;
	}
	return 0;
}

static int fill_batch(struct drain *drain, struct store_batch *batch, unsigned *n)
{
	unsigned before;
	do {
		before = *n;
		for (size_t k = 0; k < drain->n_journals; k++) {
			int r = take_turn(drain, (drain->turn + k) % drain->n_journals, batch, n);
			if (r != 0)
				return r;
		}
	} while (*n > before && *n < AUDIT_BATCH_RECORDS);
	drain->turn++;
	return drain->n_lost ? put_gap(drain, batch) : 0;
}

static int put_places(struct drain *drain, struct store_batch *batch)
{
	for (size_t i = 0; i < drain->n_journals; i++) {
		if (drain->next[i].at == drain->places[i].at)
			continue;
		int r = store_batch_place(batch, drain_ring(drain, i)->header->id, drain->next[i]);
		if (r != 0)
			return r;
	}
	return 0;
}

static void release(struct drain *drain)
{
	for (size_t i = 0; i < drain->n_journals; i++) {
		if (drain->next[i].at == drain->places[i].at)
			continue;
		drain->places[i] = drain->next[i];
		ring_release(drain_ring(drain, i), drain->places[i]);
	}
}

static bool all_empty(const struct drain *drain)
{
	struct sv ignored;
	for (size_t i = 0; i < drain->n_journals; i++) {
		struct ring_place place = drain->places[i];
		if (ring_next(drain_ring(drain, i), &place, &ignored) != RING_EMPTY)
			return false;
	}
	return drain->n_lost == 0;
}

int drain_commit(struct drain *drain, unsigned *ret_n)
{
	struct store_batch batch;
	uint64_t lost = drain->n_lost;
	*ret_n = 0;
	if (all_empty(drain) && drain->store->events)
		return 0;
	int r = store_batch_begin(drain->store, &batch);
	if (r != 0)
		return r;
	memcpy(drain->next, drain->places, sizeof(drain->next));
	r = fill_batch(drain, &batch, ret_n);
	if (r == 0)
		r = put_places(drain, &batch);
	if (r == 0)
		r = store_batch_commit(&batch);
	else
		store_batch_abort(&batch);
	if (r != 0) {
		drain->n_lost = lost;
		return r;
	}
	drain->n_lost = 0;
	release(drain);
	return 0;
}

int drain_open(struct drain *drain, struct audit_store *store, struct audit_journals *journals)
{
	*drain = (struct drain){.store = store, .journals = journals};
	drain->n_journals = audit_journals_count(journals);
	for (size_t i = 0; i < drain->n_journals; i++) {
		struct audit_journal *j = audit_journals_at(drain->journals, i);
		struct ring_place committed;
		int r = store_place(drain->store, j->ring.header->id, &committed);
		if (r != 0 && r != -ENOENT)
			return r;
		r = audit_journal_resume(j, r == 0 ? &committed : NULL, &drain->places[i]);
		if (r != 0)
			return r;
	}
	return 0;
}

/* What the book says after a failure is true: the failed commit is there whole or not at all. */
static int adopt_places(struct drain *drain)
{
	for (size_t i = 0; i < drain->n_journals; i++) {
		struct ring_place place = {0};
		int r = store_place(drain->store, drain_ring(drain, i)->header->id, &place);
		if (r == -ENOENT)
			continue;
		if (r != 0)
			return r;
		if (place.at < drain->places[i].at) { /* already overwritten in the ring */
			drain->n_lost += drain->places[i].sequence - place.sequence;
			continue;
		}
		drain->next[i] = place;
	}
	return 0;
}

int drain_recover(struct drain *drain)
{
	int r = store_reopen(drain->store);
	if (r != 0)
		return r;
	memcpy(drain->next, drain->places, sizeof(drain->next));
	r = adopt_places(drain);
	if (r == 0)
		release(drain);
	return r;
}
