#ifndef AUDIT_JOURNAL_H
#define AUDIT_JOURNAL_H

#include "core/macros.h"
#include "core/netaddr.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct request;
struct decision;
struct outcome;

/* A journal is one preallocated file, mapped shared, used as a ring with one producer and one
 * consumer (the audit writer). Appending is a copy: no lock, no system call, no allocation. The
 * pages belong to the kernel, so what was appended survives the death of the process. */
struct audit_journal;

/* What an administrator did, or tried to do. Every view is borrowed for the call. */
struct audit_act {
	struct sv actor;      /* account name; empty when nobody was signed in */
	struct sv roles;      /* at the time, comma separated */
	struct sv channel;    /* "api", "ui", "cli", "system" */
	struct sv action;     /* "session.create", "policy.publish", ... */
	struct sv target;     /* what it was done to */
	struct sv result;     /* "ok", "denied", "failed" */
	struct sv reason;     /* stable code, empty when all went well */
	struct sv before;     /* digest or version before */
	struct sv after;      /* digest or version after */
	struct sv detail;     /* free text for people, never a secret */
	struct sv request_id; /* id of the API request */
	struct netaddr src;   /* caller, family 0 when there is none */
	uint16_t status;      /* HTTP status of the answer, 0 when there was none */
};

/* audit_submit - put one decision into the journal. Call it before the answer leaves.
 *
 * in      j: this thread's own journal; id, time and policy version are taken from the decision
 * errors  0, or -ENOSPC: the journal is full, nothing was written, the refusal is counted and a gap
 *         record goes first as soon as there is space. The caller refuses the request.
 * thread  the one producer of j
 */
MUST_CHECK int audit_submit(struct audit_journal *j, const struct request *req,
                            const struct decision *decision);

/* audit_submit_outcome - put an outcome, or an unaccounted request when it names no event.
 * errors  as audit_submit() */
MUST_CHECK int audit_submit_outcome(struct audit_journal *j, const struct outcome *outcome);

/* audit_submit_admin - put an act of an administrator; its event id and time are made here.
 * errors  as audit_submit() */
MUST_CHECK int audit_submit_admin(struct audit_journal *j, const struct audit_act *act);

/* audit_submit_system - put an event of the agent itself: "start", "stop", "policy.loaded", ...
 * errors  as audit_submit() */
MUST_CHECK int audit_submit_system(struct audit_journal *j, struct sv action, struct sv detail);

/* audit_journal_has_room - whether the next record will find room. For a producer that can let its records wait:
 * one that is put and refused is a loss, and stands in the book as a gap. Never for a shared journal.
 * thread  the producer */
MUST_CHECK bool audit_journal_has_room(struct audit_journal *j);

/* audit_journal_flush_gap - write the pending gap record if there is one and space for it, so that
 * an outage shows in the book even when no request follows it. For the producer's idle timer. */
void audit_journal_flush_gap(struct audit_journal *j);

/* Counts of one journal, readable from any thread. */
struct audit_journal_stats {
	uint64_t used_bytes;
	uint64_t size_bytes;
	uint64_t n_submitted; /* records since the file was made */
	uint64_t n_refused;   /* records since the file was made that found it full */
};
void audit_journal_stats(const struct audit_journal *j, struct audit_journal_stats *ret);

/* audit_journal_open_shared - open (make) a journal that several processes append to in turn, each
 * append under the file's lock: `cli.ring`. Works while no agent runs: the next one reads it.
 *
 * out     *ret, owned, closed with audit_journal_close(); set only on 0
 * errors  0 or -errno; -EBADMSG when the file is not a journal of this version
 */
MUST_CHECK int audit_journal_open_shared(const char *path, uint64_t size_bytes,
                                         struct audit_journal **ret);
void audit_journal_close(struct audit_journal *j);

/* The journals of one agent: `worker-0.ring` ... in one directory, `admin.ring`, `main.ring`,
 * `cli.ring`, and those that an earlier run with more workers left (they are only read). */
struct audit_journals;

struct audit_journals_options {
	const char *dir; /* made when it is not there, mode 0700 */
	unsigned n_workers;
	uint64_t size_bytes; /* of each worker's ring; the others get a quarter, at least the least
	                        size */
};

/* audit_journals_open - open all, taking the lock of each for as long as they are open.
 *
 * errors  0 or -errno: -EBUSY another agent has them, -ENOSPC the disk cannot hold them, -EBADMSG
 * thread  main, before audit_writer_start() and before any producer
 */
MUST_CHECK int audit_journals_open(const struct audit_journals_options *options,
                                   struct audit_journals **ret);
void audit_journals_close(struct audit_journals *journals);

/* Borrowed; NULL for a worker that was not asked for. */
struct audit_journal *audit_journals_worker(struct audit_journals *journals, unsigned worker);
struct audit_journal *audit_journals_admin(struct audit_journals *journals);
struct audit_journal *audit_journals_main(struct audit_journals *journals);

size_t audit_journals_count(const struct audit_journals *journals);
struct audit_journal *audit_journals_at(struct audit_journals *journals, size_t i);
const char *audit_journal_name(const struct audit_journal *j); /* file name without ".ring" */

#endif
