#include "audit/journal_file.h"
#include "audit/record.h"
#include "core/clock.h"
#include "core/fileio.h"
#include "core/secret.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define GET(field)        atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static const char suffix[] = ".ring";

/* ---- one file ---- */

static int lock_file(int fd, int how)
{
	while (flock(fd, how) != 0)
		if (errno != EINTR)
			return errno == EWOULDBLOCK ? -EBUSY : -errno;
	return 0;
}

static uint64_t size_of_ring(uint64_t wanted)
{
	uint64_t area = wanted < AUDIT_JOURNAL_MIN_BYTES ? AUDIT_JOURNAL_MIN_BYTES : wanted;
	return RING_HEADER_BYTES + area / RING_HEADER_BYTES * RING_HEADER_BYTES;
}

static int map_file(struct audit_journal *j, size_t n)
{
	void *at = mmap(NULL, n, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_POPULATE, j->fd, 0);
	if (at == MAP_FAILED)
		return -errno;
	j->ring.header = at;
	j->map_bytes = n;
	return 0;
}

/* Space is taken now, so that a write into the map never meets a full disk (SIGBUS). */
static int make_ring(struct audit_journal *j, uint64_t n)
{
	uint8_t id[RING_ID_BYTES];
	if (!secret_random(id, sizeof(id)))
		return -EIO;
	if (ftruncate(j->fd, 0) != 0)
		return -errno;
	int r = -posix_fallocate(j->fd, 0, (off_t)n);
	if (r == 0)
		r = map_file(j, n);
	if (r != 0) {
		(void)!ftruncate(j->fd, 0);
		return r;
	}
	ring_format(j->ring.header, n, id);
	return msync(j->ring.header, RING_HEADER_BYTES, MS_SYNC) == 0 && fsync(j->fd) == 0 ? 0
	                                                                                   : -errno;
}

static bool is_idle(const struct audit_journal *j)
{
	return ring_used(&j->ring) == 0 && GET(j->ring.header->gap_count) == 0;
}

/* A process that was killed while it made the ring left a file without a header, or with half of one. Where there is
 * nothing in its area nothing was ever recorded in it: the first record leaves a checksum there for good. */
static bool is_unused(const struct audit_journal *j)
{
	const uint8_t *at = (const uint8_t *)j->ring.header;
	for (size_t i = RING_HEADER_BYTES; i < j->map_bytes; i++)
		if (at[i] != 0)
			return false;
	return true;
}

static int make_again(struct audit_journal *j, uint64_t n)
{
	(void)munmap(j->ring.header, j->map_bytes);
	j->ring.header = NULL;
	return make_ring(j, n);
}

/* A ring keeps its size while it holds records. A size of 0: as it is. */
static int attach_or_make(struct audit_journal *j, uint64_t size_bytes)
{
	struct stat info;
	if (fstat(j->fd, &info) != 0)
		return -errno;
	if (info.st_size == 0)
		return make_ring(j, size_of_ring(size_bytes));
	int r = map_file(j, (size_t)info.st_size);
	if (r == 0)
		r = ring_attach(j->ring.header, j->map_bytes, &j->ring);
	if (r == -EBADMSG && is_unused(j))
		return make_again(j, size_of_ring(size_bytes));
	if (r != 0 || size_bytes == 0 || size_of_ring(size_bytes) == j->map_bytes || !is_idle(j))
		return r;
	return make_again(j, size_of_ring(size_bytes));
}

static void name_of(struct audit_journal *j, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct sv name = sv_of(slash ? slash + 1 : path);
	if (sv_ends(name, sv_of(suffix)))
		name.n -= sizeof(suffix) - 1;
	(void)snprintf(j->name, sizeof(j->name), "%.*s", (int)MIN_OF(name.n, sizeof(j->name) - 1),
	               name.at);
}

static void close_journal(struct audit_journal **j)
{
	audit_journal_close(*j);
}

void audit_journal_close(struct audit_journal *j)
{
	if (!j)
		return;
	if (j->ring.header)
		(void)munmap(j->ring.header, j->map_bytes);
	if (j->fd >= 0)
		(void)close(j->fd);
	free(j);
}

static int open_journal(const char *path, uint64_t size_bytes, bool shared,
                        struct audit_journal **ret)
{
	CLEANUP(close_journal) struct audit_journal *j = calloc(1, sizeof(*j));
	if (!j)
		return -ENOMEM;
	name_of(j, path);
	j->shared = shared;
	j->fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (j->fd < 0)
		return -errno;
	int r = lock_file(j->fd, shared ? LOCK_EX : LOCK_EX | LOCK_NB);
	if (r == 0)
		r = attach_or_make(j, size_bytes);
	if (r == 0)
		r = ring_attach(j->ring.header, j->map_bytes, &j->ring);
	if (shared)
		(void)flock(j->fd, LOCK_UN);
	if (r != 0)
		return r;
	*ret = TAKE(j);
	return 0;
}

int audit_journal_open_shared(const char *path, uint64_t size_bytes, struct audit_journal **ret)
{
	return open_journal(path, size_bytes, true, ret);
}

int audit_journal_open_own(const char *path, uint64_t size_bytes, struct audit_journal **ret)
{
	return open_journal(path, size_bytes, false, ret);
}

const char *audit_journal_name(const struct audit_journal *j)
{
	return j->name;
}

void audit_journal_stats(const struct audit_journal *j, struct audit_journal_stats *ret)
{
	*ret = (struct audit_journal_stats){
		.used_bytes = ring_used(&j->ring),
		.size_bytes = j->ring.area_bytes,
		.n_submitted = GET(j->ring.header->next_sequence),
		.n_refused = GET(j->ring.header->n_refused),
	};
}

/* ---- appending ---- */

static bool append(struct audit_journal *j, const struct audit_record *record)
{
	uint8_t *room = ring_reserve(&j->ring, AUDIT_RECORD_MAX);
	if (!room)
		return false;
	struct outbuf out = outbuf_over(room, AUDIT_RECORD_MAX);
	audit_record_encode(record, &out);
	if (out.failed)
		return false;
	ring_publish(&j->ring, out.n);
	return true;
}

static bool write_gap(struct audit_journal *j)
{
	struct ring_header *h = j->ring.header;
	int64_t now_us = clock_real_us();
	struct audit_record gap = {
		.kind = AUDIT_GAP,
		.at_us = (uint64_t)now_us,
		.action = SVL("gap"),
		.detail = sv_of(j->name),
		.gap_count = GET(h->gap_count),
		.gap_first_us = GET(h->gap_first_us),
		.gap_last_us = GET(h->gap_last_us),
	};
	if (!event_id_next(&j->ids, now_us, &gap.id) || !append(j, &gap))
		return false;
	SET(h->gap_count, 0);
	return true;
}

/* Nearly always there is none. */
static inline bool append_gap(struct audit_journal *j)
{
	return GET(j->ring.header->gap_count) == 0 || write_gap(j);
}

static int put_locked(struct audit_journal *j, const struct audit_record *record)
{
	struct ring_header *h = j->ring.header;
	if (append_gap(j) && append(j, record))
		return 0;
	ring_note_gap(&j->ring, 1, record->at_us);
	SET(h->n_refused, GET(h->n_refused) + 1);
	return -ENOSPC;
}

int audit_journal_put(struct audit_journal *j, const struct audit_record *record)
{
	if (!j->shared)
		return put_locked(j, record);
	int r = lock_file(j->fd, LOCK_EX);
	if (r != 0)
		return r;
	ring_producer_sync(&j->ring);
	r = put_locked(j, record);
	(void)flock(j->fd, LOCK_UN);
	return r;
}

bool audit_journal_has_room(struct audit_journal *j)
{
	return !j->shared && append_gap(j) && ring_reserve(&j->ring, AUDIT_RECORD_MAX);
}

void audit_journal_flush_gap(struct audit_journal *j)
{
	if (!j->shared && GET(j->ring.header->gap_count) != 0)
		(void)append_gap(j);
}

int audit_journal_resume(struct audit_journal *j, const struct ring_place *committed,
                         struct ring_place *ret)
{
	uint64_t lost = 0;
	int r = j->shared ? lock_file(j->fd, LOCK_EX) : 0;
	if (r != 0)
		return r;
	ring_resume(&j->ring, committed, ret, &lost);
	if (lost > 0)
		ring_note_gap(&j->ring, lost, (uint64_t)clock_real_us());
	(void)append_gap(j);
	if (j->shared)
		(void)flock(j->fd, LOCK_UN);
	return 0;
}
