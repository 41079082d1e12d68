#include "audit/ring.h"

#include "audit/crc32c.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

enum { RING_VERSION = 1, ALIGN = 8 };
static const char ring_magic[8] = {'H', 'W', 'J', 'R', 'N', 'L', '\r', '\n'};
static const uint32_t filler = UINT32_MAX; /* length of the slot that fills the end of the area */
static_assert(sizeof(struct ring_header) <= RING_HEADER_BYTES, "the header fits its page");

struct slot {
	uint32_t n;
	uint32_t crc; /* over n, sequence and the record */
	uint64_t sequence;
};
static_assert(sizeof(struct slot) == RING_SLOT_HEADER_BYTES, "no padding");

#define GET(field, order)        atomic_load_explicit(&(field), memory_order_##order)
#define SET(field, value, order) atomic_store_explicit(&(field), (value), memory_order_##order)

static uint32_t header_crc(const struct ring_header *h)
{
	uint32_t crc = audit_crc32c(0, (struct sv){h->magic, sizeof(h->magic)});
	crc = audit_crc32c(crc, (struct sv){(const char *)&h->version, sizeof(h->version)});
	crc = audit_crc32c(crc, (struct sv){(const char *)&h->area_bytes, sizeof(h->area_bytes)});
	return audit_crc32c(crc, (struct sv){(const char *)h->id, sizeof(h->id)});
}

static uint32_t slot_crc(uint32_t n, uint64_t sequence, struct sv bytes)
{
	uint64_t head[2] = {n, sequence};
	return audit_crc32c(audit_crc32c(0, (struct sv){(const char *)head, sizeof(head)}), bytes);
}

static uint64_t slot_bytes(uint64_t n)
{
	return (RING_SLOT_HEADER_BYTES + n + ALIGN - 1) / ALIGN * ALIGN;
}

void ring_format(void *memory, size_t n, const uint8_t id[RING_ID_BYTES])
{
	struct ring_header *h = memory;
	memset(memory, 0, RING_HEADER_BYTES);
	memcpy(h->magic, ring_magic, sizeof(h->magic));
	h->version = RING_VERSION;
	h->area_bytes = (n - RING_HEADER_BYTES) / ALIGN * ALIGN;
	memcpy(h->id, id, RING_ID_BYTES);
	h->crc = header_crc(h);
}

static bool positions_are_sane(const struct ring_header *h)
{
	uint64_t head = GET(h->head, relaxed), tail = GET(h->tail, relaxed);
	return head % ALIGN == 0 && tail % ALIGN == 0 && tail <= head &&
	       head - tail <= h->area_bytes;
}

int ring_attach(void *memory, size_t n, struct ring *ret)
{
	struct ring_header *h = memory;
	if (n < RING_HEADER_BYTES + 2 * RING_SLOT_HEADER_BYTES)
		return -EBADMSG;
	if (memcmp(h->magic, ring_magic, sizeof(h->magic)) != 0 || h->version != RING_VERSION ||
	    h->crc != header_crc(h) || h->area_bytes > n - RING_HEADER_BYTES ||
	    h->area_bytes % ALIGN || h->area_bytes == 0 || !positions_are_sane(h))
		return -EBADMSG;
	*ret = (struct ring){h, (uint8_t *)memory + RING_HEADER_BYTES, h->area_bytes};
	return 0;
}

/* ---- producer ---- */

static void write_slot(uint8_t *at, uint32_t n, uint64_t sequence, struct sv bytes)
{
	struct slot slot = {.n = n, .crc = slot_crc(n, sequence, bytes), .sequence = sequence};
	memcpy(at, &slot, sizeof(slot));
}

uint8_t *ring_reserve(struct ring *ring, size_t max)
{
	struct ring_header *h = ring->header;
	uint64_t head = GET(h->head, relaxed), tail = GET(h->tail, acquire);
	uint64_t need = slot_bytes(max), offset = head % ring->area_bytes;
	uint64_t rest = ring->area_bytes - offset;
	uint64_t skip = rest < need ? rest : 0;
	if (need + skip > ring->area_bytes - (head - tail))
		return NULL;
	if (skip == 0)
		return ring->area + offset + RING_SLOT_HEADER_BYTES;
	if (skip >= RING_SLOT_HEADER_BYTES)
		write_slot(ring->area + offset, filler, GET(h->next_sequence, relaxed),
		           (struct sv){0});
	SET(h->head, head + skip, release);
	return ring->area + RING_SLOT_HEADER_BYTES;
}

void ring_publish(struct ring *ring, size_t n)
{
	struct ring_header *h = ring->header;
	uint64_t head = GET(h->head, relaxed), sequence = GET(h->next_sequence, relaxed);
	uint8_t *at = ring->area + head % ring->area_bytes;
	struct sv bytes = {(const char *)at + RING_SLOT_HEADER_BYTES, n};
	write_slot(at, (uint32_t)n, sequence, bytes);
	SET(h->head, head + slot_bytes(n), release);
	SET(h->next_sequence, sequence + 1, relaxed);
}

void ring_note_gap(struct ring *ring, uint64_t count, uint64_t at_us)
{
	struct ring_header *h = ring->header;
	if (GET(h->gap_count, relaxed) == 0)
		SET(h->gap_first_us, at_us, relaxed);
	SET(h->gap_last_us, at_us, relaxed);
	SET(h->gap_count, GET(h->gap_count, relaxed) + count, relaxed);
}

/* ---- consumer ---- */

/* The slot at place, checked, without regard to what is published. */
static bool read_slot(const struct ring *ring, struct ring_place place, bool any_sequence,
                      struct slot *ret, struct sv *ret_bytes)
{
	uint64_t offset = place.at % ring->area_bytes, rest = ring->area_bytes - offset;
	if (rest < sizeof(*ret))
		return false;
	memcpy(ret, ring->area + offset, sizeof(*ret));
	bool fills = ret->n == filler;
	if (!fills && slot_bytes(ret->n) > rest)
		return false;
	*ret_bytes =
		(struct sv){(const char *)ring->area + offset + sizeof(*ret), fills ? 0 : ret->n};
	return (any_sequence || ret->sequence == place.sequence) &&
	       ret->crc == slot_crc(ret->n, ret->sequence, *ret_bytes);
}

/* Over the unused end of the area, if the place stands there. */
static bool step_over_end(const struct ring *ring, struct ring_place *place)
{
	uint64_t rest = ring->area_bytes - place->at % ring->area_bytes;
	struct slot slot;
	struct sv bytes;
	bool is_end = rest < sizeof(slot) ||
	              (read_slot(ring, *place, true, &slot, &bytes) && slot.n == filler);
	if (is_end)
		place->at += rest;
	return is_end;
}

enum ring_read ring_next(const struct ring *ring, struct ring_place *place, struct sv *ret)
{
	uint64_t head = GET(ring->header->head, acquire);
	struct ring_place at = *place;
	struct slot slot;
	if (at.at < head && step_over_end(ring, &at) && at.at > head)
		return RING_DAMAGED;
	if (at.at >= head)
		return at.at == head ? RING_EMPTY : RING_DAMAGED;
	if (!read_slot(ring, at, false, &slot, ret) || slot.n == filler ||
	    slot_bytes(slot.n) > head - at.at)
		return RING_DAMAGED;
	*place = (struct ring_place){at.at + slot_bytes(slot.n), at.sequence + 1};
	return RING_SLOT;
}

void ring_release(struct ring *ring, struct ring_place place)
{
	SET(ring->header->tail_sequence, place.sequence, relaxed);
	SET(ring->header->tail, place.at, release);
}

struct ring_place ring_skip(const struct ring *ring, struct ring_place from, uint64_t *ret_lost)
{
	struct ring_place end = {.at = GET(ring->header->head, acquire),
	                         .sequence = GET(ring->header->next_sequence, relaxed)};
	*ret_lost = end.sequence > from.sequence ? end.sequence - from.sequence : 1;
	if (end.sequence < from.sequence)
		end.sequence = from.sequence;
	return end;
}

uint64_t ring_used(const struct ring *ring)
{
	uint64_t tail = GET(ring->header->tail, relaxed), head = GET(ring->header->head, relaxed);
	return head > tail ? head - tail : 0;
}

/* ---- after a death ---- */

/* Walks over sound slots, also behind the head: what a dead machine left may be newer than its header. */
static struct ring_place walk(const struct ring *ring, struct ring_place place, uint64_t limit,
                              bool any_sequence)
{
	struct slot slot;
	struct sv bytes;
	while (place.at < limit) {
		struct ring_place next = place;
		if (step_over_end(ring, &next) && next.at >= limit)
			break;
		if (!read_slot(ring, next, any_sequence, &slot, &bytes) || slot.n == filler ||
		    slot_bytes(slot.n) > limit - next.at)
			break;
		place = (struct ring_place){next.at + slot_bytes(slot.n), slot.sequence + 1};
		any_sequence = false;
	}
	return place;
}

void ring_producer_sync(struct ring *ring)
{
	struct ring_header *h = ring->header;
	uint64_t head = GET(h->head, relaxed);
	struct ring_place tail = {.at = GET(h->tail, acquire)};
	struct ring_place end = walk(ring, tail, head, true);
	uint64_t next = GET(h->next_sequence, relaxed), released = GET(h->tail_sequence, relaxed);
	if (released > next)
		next = released;
	if (end.at != tail.at && end.sequence > next)
		next = end.sequence;
	SET(h->next_sequence, next, relaxed);
}

/* The first sequence number at the tail: the slot's own word, else the header's. */
static uint64_t sequence_at_tail(const struct ring *ring, struct ring_place place)
{
	struct slot slot;
	struct sv bytes;
	if (place.at == GET(ring->header->head, relaxed))
		return place.sequence;
	(void)step_over_end(ring, &place);
	return read_slot(ring, place, true, &slot, &bytes) ? slot.sequence : place.sequence;
}

void ring_resume(struct ring *ring, const struct ring_place *committed, struct ring_place *ret,
                 uint64_t *ret_lost)
{
	struct ring_header *h = ring->header;
	uint64_t head = GET(h->head, relaxed), next = GET(h->next_sequence, relaxed);
	struct ring_place start = {GET(h->tail, relaxed), GET(h->tail_sequence, relaxed)};
	start.sequence = sequence_at_tail(ring, start);
	*ret_lost = 0;
	if (committed && committed->at > head)
		*ret_lost =
			1; /* at least: the book is ahead, so the machine lost pages of the ring */
	if (committed && committed->at >= start.at)
		start = *committed;
	else if (committed && start.sequence > committed->sequence)
		*ret_lost = start.sequence - committed->sequence; /* the book lost commits */
	struct ring_place end = walk(ring, start, start.at + ring->area_bytes, false);
	if (end.at < head && next > end.sequence)
		*ret_lost += next - end.sequence;
	SET(h->head, end.at, relaxed);
	SET(h->next_sequence, end.sequence, relaxed);
	ring_release(ring, start);
	*ret = start;
}
