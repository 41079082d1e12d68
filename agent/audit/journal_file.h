/* What writer and submit see of a journal, and nobody outside this folder. */
#ifndef AUDIT_JOURNAL_FILE_H
#define AUDIT_JOURNAL_FILE_H

#include "audit/journal.h"
#include "audit/ring.h"
#include "core/eventid.h"
#include "core/limits.h"

enum { JOURNAL_NAME_BYTES = 32, JOURNAL_LISTS_BYTES = 6144 };

struct audit_journal {
	struct ring ring;
	size_t map_bytes;
	int fd;
	bool shared; /* each append takes the file's lock */
	char name[JOURNAL_NAME_BYTES];
	struct event_ids ids;               /* the producer's */
	uint8_t lists[JOURNAL_LISTS_BYTES]; /* the producer's, for packing; not cleared each time */
};

/* audit_journal_open_own - as audit_journal_open_shared(), but the lock is held while it is open.
 * errors  0 or -errno; -EBUSY another process has it */
MUST_CHECK int audit_journal_open_own(const char *path, uint64_t size_bytes,
                                      struct audit_journal **ret);

struct audit_record;
/* audit_journal_put - encode the record into the ring.
 * errors  as audit_submit()
 * thread  producer */
MUST_CHECK int audit_journal_put(struct audit_journal *j, const struct audit_record *record);

/* audit_journal_resume - ring_resume() under the file's lock; what is lost becomes a pending gap. */
MUST_CHECK int audit_journal_resume(struct audit_journal *j, const struct ring_place *committed,
                                    struct ring_place *ret);

#endif
