/* A packed record with hostile texts reads to what has one plain form, and that packs and reads back to the
 * same; what is refused leaves nothing. Input: texts (length, bytes)*, a zero, the record. */
#include "audit/record.h"
#include "core/cursor.h"
#include "core/limits.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { N_TEXTS = 16 };

struct texts {
	struct sv at[N_TEXTS];
	size_t n;
};

static struct sv find(void *user, uint64_t number)
{
	const struct texts *texts = user;
	return number < texts->n ? texts->at[number] : (struct sv){0};
}

static uint64_t share(void *user, struct sv text)
{
	const struct texts *texts = user;
	for (size_t i = 0; i < texts->n; i++)
		if (sv_eq(texts->at[i], text))
			return i;
	return AUDIT_NOT_SHARED;
}

static void must_come_back(struct sv plain, struct texts *texts)
{
	static uint8_t packed_room[AUDIT_RECORD_MAX], again_room[AUDIT_RECORD_MAX];
	struct outbuf packed = outbuf_over(packed_room, sizeof(packed_room));
	struct outbuf again = outbuf_over(again_room, sizeof(again_room));
	struct audit_record record;
	if (audit_record_pack(plain, share, texts, &packed) != 0 ||
	    !audit_record_is_packed(outbuf_sv(&packed)) ||
	    audit_record_unpack(outbuf_sv(&packed), find, texts, &record) != 0)
		abort();
	audit_record_encode(&record, &again);
	if (again.failed || !sv_eq(outbuf_sv(&again), plain))
		abort();
}

static bool is_zero(const struct audit_record *record)
{
	static const struct audit_record zero;
	return memcmp(record, &zero, sizeof(zero)) == 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t room[AUDIT_RECORD_MAX];
	struct cursor c = cursor_over((struct sv){(const char *)data, size});
	struct texts texts = {0};
	struct audit_record record;
	struct audit_head head;
	for (uint8_t n = cursor_u8(&c); n != 0; n = cursor_u8(&c)) {
		struct sv text = cursor_sv(&c, n);
		if (texts.n < N_TEXTS)
			texts.at[texts.n++] = text;
	}
	struct sv bytes = {(const char *)c.at, cursor_left(&c)};
	struct outbuf plain = outbuf_over(room, sizeof(room));
	struct outbuf ignored = outbuf_over(room, sizeof(room));
	(void)!audit_record_pack(bytes, share, &texts, &ignored); /* whatever it is */
	if (audit_record_unpack(bytes, find, &texts, &record) != 0) {
		if (!is_zero(&record))
			abort();
		return 0;
	}
	if (audit_record_head(bytes, &head) != 0 || head.at_us != record.at_us)
		abort();
	audit_record_encode(&record, &plain);
	if (plain.failed)
		abort();
	must_come_back(outbuf_sv(&plain), &texts);
	return 0;
}
