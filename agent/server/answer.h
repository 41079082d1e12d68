/* One NOTIFY -> its ACK: decoded, decided, recorded, encoded; or parked until what the verdict needs is known. A
 * private part of conn.c. */
#ifndef SERVER_ANSWER_H
#define SERVER_ANSWER_H

#include "core/outbuf.h"
#include "server/conn.h"
#include "server/parked.h"

/* answer_frame - answers into out, or parks the frame for conn. in: max_ack_bytes: what an ACK has to fit */
void answer_frame(struct conn_home *home, struct conn *conn, const struct spop_frame *frame,
                  struct outbuf *out, size_t max_ack_bytes);
/* answer_parked - decides again; p is freed, or parked once more. */
void answer_parked(struct conn_home *home, struct parked *p, struct outbuf *out,
                   size_t max_ack_bytes);

#endif
