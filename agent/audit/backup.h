#ifndef AUDIT_BACKUP_H
#define AUDIT_BACKUP_H

#include "core/macros.h"

struct audit_store;

/* audit_backup - copy the book as it is at one moment, while it is written, into a data directory of its own: the commands
 * that read a book read the copy, and an agent that starts on it goes on from there. The index is not copied; it is
 * made again.
 *
 * in      dir: of the copy; it must not be there. It appears whole, synced, or not at all, for its owner alone.
 * errors  0, -EEXIST: dir, or DIR.part of an earlier try, is there; -errno
 * thread  any. It is a reader for as long as it takes: what the agent frees meanwhile is not used again until it ends.
 */
MUST_CHECK int audit_backup(struct audit_store *store, const char *dir);

#endif
