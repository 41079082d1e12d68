#include "core/eventid.h"

#include "core/secret.h"

enum { TIME_BYTES = 6, RANDOM_BYTES = EVENT_ID_BYTES - TIME_BYTES };

static const char letters[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";

uint64_t event_id_ms(const struct event_id *id)
{
	uint64_t ms = 0;
	for (size_t i = 0; i < TIME_BYTES; i++)
		ms = ms << 8 | id->bytes[i];
	return ms;
}

bool event_id_is_set(const struct event_id *id)
{
	static const struct event_id none;
	return memcmp(id, &none, sizeof(none)) != 0;
}

static bool random_part(struct event_ids *ids, uint8_t *to)
{
	if (ids->n_left < RANDOM_BYTES) {
		if (!secret_random(ids->pool, sizeof(ids->pool)))
			return false;
		ids->n_left = sizeof(ids->pool);
	}
	ids->n_left -= RANDOM_BYTES;
	memcpy(to, ids->pool + ids->n_left, RANDOM_BYTES);
	return true;
}

bool event_id_next(struct event_ids *ids, int64_t real_us, struct event_id *ret)
{
	uint64_t ms = real_us > 0 ? (uint64_t)real_us / 1000 : 0;
	uint64_t last_ms = event_id_ms(&ids->last);
	struct event_id id = {0};
	if (ms < last_ms) /* the clock went back: stay at the last millisecond */
		ms = last_ms;
	if (!random_part(ids, id.bytes + TIME_BYTES))
		return false;
	for (size_t i = 0; i < TIME_BYTES; i++)
		id.bytes[i] = (uint8_t)(ms >> (8 * (TIME_BYTES - 1 - i)));
	/* Same millisecond and not above the last: carry the last one's counter on, random low
	 * bytes kept. */
	if (ms == last_ms && memcmp(&id, &ids->last, 10) <= 0) {
		memcpy(id.bytes, ids->last.bytes, 10);
		for (int i = 9; i >= 0 && ++id.bytes[i] == 0; i--)
			;
	}
	ids->last = id;
	*ret = id;
	return true;
}

/* source: ULID layout, 130 bits of text for 128 of id, the two on top are zero */
struct sv event_id_text(const struct event_id *id, char text[EVENT_ID_TEXT_BYTES + 1])
{
	uint64_t high = 0, low = 0;
	for (size_t i = 0; i < 8; i++) {
		high = high << 8 | id->bytes[i];
		low = low << 8 | id->bytes[i + 8];
	}
	for (int i = EVENT_ID_TEXT_BYTES - 1; i >= 0; i--) {
		text[i] = letters[low & 31];
		low = low >> 5 | high << 59;
		high >>= 5;
	}
	text[EVENT_ID_TEXT_BYTES] = '\0';
	return (struct sv){text, EVENT_ID_TEXT_BYTES};
}

static int letter_value(char c)
{
	char upper = c >= 'a' && c <= 'z' ? (char)(c - ('a' - 'A')) : c;
	const char *at = upper ? strchr(letters, upper) : NULL;
	return at ? (int)(at - letters) : -1;
}

bool event_id_parse(struct sv text, struct event_id *ret)
{
	uint64_t high = 0, low = 0;
	if (text.n != EVENT_ID_TEXT_BYTES || letter_value(text.at[0]) > 7)
		return false;
	for (size_t i = 0; i < text.n; i++) {
		int value = letter_value(text.at[i]);
		if (value < 0)
			return false;
		high = high << 5 | low >> 59;
		low = low << 5 | (uint64_t)value;
	}
	for (int i = 7; i >= 0; i--) {
		ret->bytes[i] = (uint8_t)high;
		ret->bytes[i + 8] = (uint8_t)low;
		high >>= 8;
		low >>= 8;
	}
	return true;
}
