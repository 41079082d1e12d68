/* HAProxy's log over TCP (a `ring` section): lines -> outcomes -> the main thread's journal. Runs on the main
 * loop. When the journal is full it stops reading, so that HAProxy's ring holds the lines meanwhile.
 */
#ifndef SERVER_LOGLISTEN_H
#define SERVER_LOGLISTEN_H

#include "core/macros.h"

#include <ev.h>
#include <stdatomic.h>
#include <stdint.h>

struct audit_journal;
struct loglisten;

/* Written by the main thread, read by any. */
struct loglisten_counters {
	atomic_uint_fast64_t n_connections, n_lines, n_outcomes, n_bad, n_foreign;
};

/* loglisten_new - no socket yet; NULL when memory is out. thread: main, as all below */
MUST_CHECK struct loglisten *loglisten_new(struct ev_loop *loop, struct audit_journal *journal);
/* loglisten_adopt - takes over an accepted, non-blocking socket. */
void loglisten_adopt(struct loglisten *l, int fd);
/* loglisten_free - reads what is there already, then closes. */
void loglisten_free(struct loglisten *l);

const struct loglisten_counters *loglisten_counters(const struct loglisten *l);

#endif
