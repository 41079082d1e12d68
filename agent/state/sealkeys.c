#include "state/sealkeys.h"

#include "core/cursor.h"
#include "core/fileio.h"
#include "core/outbuf.h"
#include "core/secret.h"

#include <errno.h>
#include <stdlib.h>

/* The file: MAGIC, then for each key its number (4 bytes), when it was made (8), and its bytes. Big endian. */
static const struct sv magic = SV("haward seal 1\n");
enum { KEY_FILE_MAX = 14 + SEAL_KEPT * (4 + 8 + SEAL_KEY_BYTES) };

static int parse(struct sv text, struct seal_ring *ring)
{
	struct cursor c = cursor_over(text);
	uint32_t last = 0;
	if (!sv_eq(cursor_sv(&c, magic.n), magic))
		return -EBADMSG;
	while (cursor_left(&c)) {
		uint32_t number = cursor_u32be(&c);
		struct seal_key key = {.made_at_s = (int64_t)cursor_u64be(&c)};
		struct sv bytes = cursor_sv(&c, SEAL_KEY_BYTES);
		if (c.failed || key.made_at_s <= 0 || number == 0 || (last && number != last + 1))
			return -EBADMSG;
		memcpy(key.bytes, bytes.at, bytes.n);
		seal_ring_add(ring, number, &key);
		secret_wipe(&key, sizeof(key));
		last = number;
	}
	return last ? 0 : -EBADMSG;
}

static int write_file(const char *path, const struct seal_ring *ring)
{
	uint8_t room[KEY_FILE_MAX];
	struct outbuf b = outbuf_over(room, sizeof(room));
	uint32_t newest = (uint32_t)atomic_load(&ring->newest);
	outbuf_put(&b, magic);
	for (uint32_t i = SEAL_KEPT; i > 0; i--) {
		uint32_t number = newest - (i - 1);
		const struct seal_key *key = newest < i ? NULL : seal_ring_key(ring, number);
		if (!key)
			continue;
		outbuf_u32be(&b, number);
		outbuf_u64be(&b, (uint64_t)key->made_at_s);
		outbuf_bytes(&b, key->bytes, sizeof(key->bytes));
	}
	int r = b.failed ? -EFBIG : file_replace(path, outbuf_sv(&b), 0600);
	secret_wipe(room, sizeof(room));
	return r;
}

/* Tried on a copy: the ring in use has the key only when the disk has it. */
static int add_key(const char *path, int64_t now_s, struct seal_ring *ring)
{
	struct seal_ring *next = malloc(sizeof(*next));
	struct seal_key key = {.made_at_s = now_s};
	uint32_t newest = (uint32_t)atomic_load(&ring->newest);
	if (!next)
		return -ENOMEM;
	memcpy(next->at, ring->at, sizeof(next->at));
	atomic_init(&next->newest, newest);
	int r = newest < UINT32_MAX && secret_random(key.bytes, sizeof(key.bytes)) ? 0 : -EIO;
	if (r == 0) {
		seal_ring_add(next, newest + 1, &key);
		r = write_file(path, next);
	}
	if (r == 0)
		seal_ring_add(ring, newest + 1, &key);
	secret_wipe(&key, sizeof(key));
	seal_ring_fini(next);
	free(next);
	return r;
}

int state_seal_keys_rotate(const char *path, int64_t now_s, struct seal_ring *ring)
{
	const struct seal_key *key = seal_ring_key(ring, (uint32_t)atomic_load(&ring->newest));
	return key && now_s - key->made_at_s < SEAL_ROTATE_S ? 0 : add_key(path, now_s, ring);
}

int state_seal_keys_load(const char *path, int64_t now_s, struct seal_ring *ring)
{
	char *text = NULL;
	size_t n = 0;
	int r = file_read(path, KEY_FILE_MAX, &text, &n);
	if (r == 0) {
		r = parse((struct sv){text, n}, ring);
		secret_wipe(text, n);
		free(text);
	} else if (r == -ENOENT) {
		r = 0;
	}
	if (r == 0)
		r = state_seal_keys_rotate(path, now_s, ring);
	if (r)
		seal_ring_fini(ring);
	return r;
}
