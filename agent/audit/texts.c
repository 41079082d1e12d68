#include "audit/texts.h"

#include "audit/crc32c.h"
#include "audit/record.h"
#include "audit/store_file.h"
#include "core/cursor.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/outbuf.h"
#include "core/secret.h"

#include <errno.h>
#include <stdlib.h>

enum {
	KEY_BYTES = 6,
	CRC_BYTES = 4,
	N_SLOTS = 2 * TEXTS_MAX, /* half full at most */
	N_SEEN = 4096,
	N_RECENT = 256, /* eight bits of a product */
	NO_BUCKET = UINT32_MAX,
};

struct entry {
	uint64_t hash;
	uint16_t n; /* 0: a number without a usable text */
	uint8_t text[TEXT_MOST];
};

struct texts {
	MDB_txn *txn;
	MDB_dbi dbi;
	int error;
	struct hash_key key;
	uint32_t bucket;
	unsigned n;
	struct entry entries[TEXTS_MAX];
	uint16_t slots[N_SLOTS]; /* number plus one */
	/* Number plus one by the ends of a text: spares most texts the hash. */
	uint16_t recent[N_RECENT];
	/* Part of the hash of texts seen once; a newer one takes the place. */
	uint32_t seen[N_SEEN];
};

struct texts *texts_new(void)
{
	struct texts *texts = calloc(1, sizeof(*texts));
	if (texts && !secret_random(&texts->key, sizeof(texts->key))) {
		free(texts);
		return NULL;
	}
	if (texts)
		texts->bucket = NO_BUCKET;
	return texts;
}

void texts_free(struct texts *texts)
{
	free(texts);
}

void texts_forget(struct texts *texts)
{
	texts->bucket = NO_BUCKET;
}

int texts_error(const struct texts *texts)
{
	return texts->error;
}

/* ---- as stored ---- */

static void make_key(uint8_t key[KEY_BYTES], uint32_t bucket, uint32_t number)
{
	struct outbuf out = outbuf_over(key, KEY_BYTES);
	outbuf_u32be(&out, bucket);
	outbuf_u16be(&out, (uint16_t)number);
}

static uint32_t crc_of(const uint8_t key[KEY_BYTES], struct sv text)
{
	return audit_crc32c(audit_crc32c(0, (struct sv){(const char *)key, KEY_BYTES}), text);
}

static int check_text(const uint8_t key[KEY_BYTES], MDB_val value, struct sv *ret)
{
	struct cursor c = cursor_over((struct sv){value.mv_data, value.mv_size});
	uint32_t crc = cursor_u32be(&c);
	struct sv text = {(const char *)c.at, cursor_left(&c)};
	if (c.failed || text.n == 0 || text.n > TEXT_MOST || crc_of(key, text) != crc)
		return -EBADMSG;
	*ret = text;
	return 0;
}

int texts_read(MDB_cursor *cursor, uint32_t bucket, uint32_t number, struct sv *ret)
{
	uint8_t room[KEY_BYTES];
	if (number >= TEXTS_MAX)
		return -EBADMSG;
	make_key(room, bucket, number);
	MDB_val key = {sizeof(room), room}, value;
	int r = mdb_cursor_get(cursor, &key, &value, MDB_SET_KEY);
	if (r != 0)
		return r == MDB_NOTFOUND ? -EBADMSG : store_errno(r);
	return check_text(room, value, ret);
}

/* ---- the bucket being written ---- */

/* The slot of the text, or the empty one where it would be. */
static size_t slot_of(const struct texts *texts, uint64_t hash, struct sv text)
{
	size_t i = hash % N_SLOTS;
	for (; texts->slots[i]; i = (i + 1) % N_SLOTS) {
		const struct entry *entry = &texts->entries[texts->slots[i] - 1];
		if (entry->hash == hash && entry->n == text.n &&
		    memcmp(entry->text, text.at, text.n) == 0)
			break;
	}
	return i;
}

static void remember(struct texts *texts, size_t slot, uint64_t hash, struct sv text)
{
	struct entry *entry = &texts->entries[texts->n];
	entry->hash = hash;
	entry->n = (uint16_t)text.n;
	memcpy(entry->text, text.at, text.n);
	texts->slots[slot] = (uint16_t)++texts->n;
}

/* Numbers rise by one; one whose text is damaged stays taken and is given to no record again. */
static int load(struct texts *texts, MDB_cursor *cursor)
{
	uint8_t first[KEY_BYTES];
	make_key(first, texts->bucket, 0);
	MDB_val key = {sizeof(first), first}, value;
	int r = mdb_cursor_get(cursor, &key, &value, MDB_SET_RANGE);
	for (; r == 0 && key.mv_size == KEY_BYTES && memcmp(key.mv_data, first, 4) == 0;
	     r = mdb_cursor_get(cursor, &key, &value, MDB_NEXT)) {
		struct cursor c = cursor_over((struct sv){(const char *)key.mv_data + 4, 2});
		struct sv text;
		unsigned number = cursor_u16be(&c);
		if (number >= TEXTS_MAX)
			break;
		for (; texts->n < number; texts->n++)
			texts->entries[texts->n].n = 0;
		if (check_text(key.mv_data, value, &text) == 0) {
			uint64_t hash = hash_sip13(texts->key, text);
			remember(texts, slot_of(texts, hash, text), hash, text);
		} else {
			texts->entries[texts->n++].n = 0;
		}
	}
	return r == 0 || r == MDB_NOTFOUND ? 0 : store_errno(r);
}

int texts_begin(struct texts *texts, MDB_txn *txn, MDB_dbi dbi, uint32_t bucket)
{
	MDB_cursor *cursor = NULL;
	texts->txn = txn;
	texts->dbi = dbi;
	texts->error = 0;
	if (texts->bucket == bucket)
		return 0;
	texts->n = 0;
	memset(texts->slots, 0, sizeof(texts->slots));
	memset(texts->recent, 0, sizeof(texts->recent));
	memset(texts->seen, 0, sizeof(texts->seen));
	texts->bucket = bucket;
	int r = store_errno(mdb_cursor_open(txn, dbi, &cursor));
	if (r == 0)
		r = load(texts, cursor);
	if (cursor)
		mdb_cursor_close(cursor);
	if (r != 0)
		texts_forget(texts);
	return r;
}

static int store_text(struct texts *texts, struct sv text)
{
	uint8_t room[KEY_BYTES], value_room[CRC_BYTES + TEXT_MOST];
	struct outbuf out = outbuf_over(value_room, sizeof(value_room));
	make_key(room, texts->bucket, texts->n);
	outbuf_u32be(&out, crc_of(room, text));
	outbuf_put(&out, text);
	MDB_val key = {sizeof(room), room}, value = {out.n, value_room};
	return store_errno(mdb_put(texts->txn, texts->dbi, &key, &value, MDB_NOOVERWRITE));
}

/* Where the text would stand among the recent ones. */
static uint16_t *recent_of(struct texts *texts, struct sv text)
{
	uint64_t first = 0, last = 0;
	size_t n = MIN_OF(text.n, sizeof(first));
	memcpy(&first, text.at, n);
	memcpy(&last, text.at + text.n - n, n);
	return &texts->recent[((first ^ last * 3 ^ text.n) * 0x9e3779b97f4a7c15U) >> 56];
}

static bool is_entry(const struct texts *texts, unsigned number_plus_one, struct sv text)
{
	if (number_plus_one == 0)
		return false;
	const struct entry *entry = &texts->entries[number_plus_one - 1];
	return entry->n == text.n && memcmp(entry->text, text.at, text.n) == 0;
}

static uint64_t find_or_add(struct texts *texts, struct sv text)
{
	uint64_t hash = hash_sip13(texts->key, text);
	size_t slot = slot_of(texts, hash, text);
	if (texts->slots[slot])
		return texts->slots[slot] - 1U;
	uint32_t *seen = &texts->seen[hash % N_SEEN], mark = (uint32_t)(hash >> 32) | 1;
	if (texts->n == TEXTS_MAX || *seen != mark) {
		*seen = mark;
		return AUDIT_NOT_SHARED;
	}
	texts->error = store_text(texts, text);
	if (texts->error)
		return AUDIT_NOT_SHARED;
	remember(texts, slot, hash, text);
	return texts->n - 1U;
}

uint64_t texts_share(void *user, struct sv text)
{
	struct texts *texts = user;
	if (text.n < TEXT_LEAST || text.n > TEXT_MOST || texts->error)
		return AUDIT_NOT_SHARED;
	uint16_t *recent = recent_of(texts, text);
	if (is_entry(texts, *recent, text))
		return *recent - 1U;
	uint64_t number = find_or_add(texts, text);
	if (number != AUDIT_NOT_SHARED)
		*recent = (uint16_t)(number + 1);
	return number;
}
