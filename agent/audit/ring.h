/* The ring inside a journal file: one producer, one consumer, both through mapped memory that outlives
 * them. Positions count bytes since the ring was made and never go back; slot sequence numbers count
 * records, so that a stale or torn slot is never taken for a record. */
#ifndef AUDIT_RING_H
#define AUDIT_RING_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

enum { RING_ID_BYTES = 16, RING_HEADER_BYTES = 4096, RING_SLOT_HEADER_BYTES = 16 };

/* On disk in the machine's own byte order: a ring never leaves its machine. */
struct ring_header {
	char magic[8];
	uint32_t version;
	uint32_t crc; /* over magic, version, area_bytes and id */
	uint64_t area_bytes;
	uint8_t id[RING_ID_BYTES]; /* random, made with the file: names it in the book */

	_Alignas(64) _Atomic uint64_t head; /* the producer's line */
	_Atomic uint64_t next_sequence;
	_Atomic uint64_t n_refused; /* for ever */
	_Atomic uint64_t gap_count; /* refused or lost and not yet written as a gap record */
	_Atomic uint64_t gap_first_us, gap_last_us;

	_Alignas(64) _Atomic uint64_t tail; /* the consumer's line */
	_Atomic uint64_t tail_sequence;
};

struct ring {
	struct ring_header *header;
	uint8_t *area;
	uint64_t area_bytes;
};

/* Where a reader stands: byte position and the sequence number expected there. */
struct ring_place {
	uint64_t at;
	uint64_t sequence;
};

/* ring_format - make an empty ring of n bytes of memory (header and area). */
void ring_format(void *memory, size_t n, const uint8_t id[RING_ID_BYTES]);

/* ring_attach - use the ring that the memory holds; its bytes may be hostile.
 * errors  0 or -EBADMSG */
MUST_CHECK int ring_attach(void *memory, size_t n, struct ring *ret);

/* ring_reserve - room for one record of up to max bytes, invisible until published; NULL when full.
 * thread  the producer */
uint8_t *ring_reserve(struct ring *ring, size_t max);
void ring_publish(struct ring *ring, size_t n);

enum ring_read { RING_DAMAGED = 0, RING_EMPTY, RING_SLOT };
/* ring_next - the record at *place, which then moves behind it. The view stays valid until released.
 * thread  the consumer */
MUST_CHECK enum ring_read ring_next(const struct ring *ring, struct ring_place *place,
                                    struct sv *ret);
/* ring_release - everything before the place may be overwritten. */
void ring_release(struct ring *ring, struct ring_place place);
/* ring_skip - the place behind all that is published; *ret_lost counts the records given up. */
struct ring_place ring_skip(const struct ring *ring, struct ring_place from, uint64_t *ret_lost);

/* ring_resume - find out after a death of process or machine what the ring still holds, and where the
 * consumer goes on.
 *
 * in      committed: the place up to which the book has this ring; NULL when the book does not know it
 * out     *ret: first record that the book does not have; *ret_lost: records known to be lost
 * thread  neither producer nor consumer is active
 */
void ring_resume(struct ring *ring, const struct ring_place *committed, struct ring_place *ret,
                 uint64_t *ret_lost);

/* ring_producer_sync - make head and next sequence agree after another producer died in between.
 * thread  the producer; the consumer may be active */
void ring_producer_sync(struct ring *ring);

/* ring_note_gap - count records that never made it into the book. */
void ring_note_gap(struct ring *ring, uint64_t count, uint64_t at_us);

uint64_t ring_used(const struct ring *ring);

#endif
