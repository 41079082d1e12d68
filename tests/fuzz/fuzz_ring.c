/* A journal file of any bytes: replay ends, stays inside, and afterwards the ring takes and gives a record. */
#include "audit/crc32c.h"
#include "audit/ring.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { AREA = 2048, MEMORY = RING_HEADER_BYTES + AREA };

/* The first bytes set the positions, the rest is the area, in slots whose sums are made right by request. */
static void lay_out(uint8_t *memory, const uint8_t *data, size_t size)
{
	static const uint8_t id[RING_ID_BYTES];
	struct ring_header *header = (struct ring_header *)(void *)memory;
	ring_format(memory, MEMORY, id);
	if (size < 8)
		return;
	header->head = (uint64_t)data[0] * 8 + (uint64_t)data[4] * AREA;
	header->tail = (uint64_t)data[1] * 8;
	header->next_sequence = data[2];
	header->tail_sequence = data[3];
	memcpy(memory + RING_HEADER_BYTES, data + 8, size - 8 < AREA ? size - 8 : AREA);
	for (size_t at = data[5] * 8U; data[6] & 1 && at + 16 <= AREA; at += 64) {
		uint8_t *slot = memory + RING_HEADER_BYTES + at;
		uint64_t head[2] = {slot[0] % 48U, slot[8]};
		memset(slot, 0, 16);
		slot[0] = (uint8_t)head[0];
		slot[8] = (uint8_t)head[1];
		uint32_t crc = audit_crc32c(0, (struct sv){(const char *)head, sizeof(head)});
		size_t n = AREA - at - 16 < head[0] ? AREA - at - 16 : (size_t)head[0];
		crc = audit_crc32c(crc, (struct sv){(const char *)slot + 16, n});
		memcpy(slot + 4, &crc, sizeof(crc));
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *memory = aligned_alloc(64, MEMORY);
	struct ring ring;
	struct ring_place place, committed = {size > 7 ? data[7] * 8U : 0, size > 6 ? data[6] : 0};
	uint64_t lost;
	struct sv record;
	if (!memory)
		abort();
	lay_out(memory, data, size);
	if (ring_attach(memory, MEMORY, &ring) == 0) {
		ring_resume(&ring, size % 2 ? &committed : NULL, &place, &lost);
		unsigned n = 0;
		enum ring_read read;
		while ((read = ring_next(&ring, &place, &record)) == RING_SLOT) {
			const char *area = (const char *)ring.area;
			if (++n > AREA / 16 || record.at < area ||
			    record.at + record.n > area + AREA)
				abort();
		}
		if (read != RING_EMPTY)
			abort(); /* what resume left is whole */
		ring_release(&ring, place);
		ring_producer_sync(&ring);
		uint8_t *room = ring_reserve(&ring, 100);
		if (!room)
			abort();
		memset(room, 'x', 100);
		ring_publish(&ring, 100);
		if (ring_next(&ring, &place, &record) != RING_SLOT || record.n != 100)
			abort();
	}
	free(memory);
	return 0;
}
