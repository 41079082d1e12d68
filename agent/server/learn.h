/* haward-learn -> its ACK: what a service's answer taught is written into the relations (policy/learner.h), and the ACK
 * waits for that, so that HAProxy passes the answer on when its consequences hold. A private part of conn.c and worker.c.
 */
#ifndef SERVER_LEARN_H
#define SERVER_LEARN_H

#include "core/outbuf.h"
#include "model/lesson.h"
#include "server/conn.h"
#include "server/parked.h"

struct authn_answer;

/* learn_frame - parks the frame for conn, or answers into out that there is nothing to learn. */
void learn_frame(struct conn_home *home, struct conn *conn, const struct spop_frame *frame,
                 const struct lesson *lesson, struct outbuf *out);

/* learn_answered - it is written, or not: counted, and put into the book. in: answer: of AUTHN_ASK_LEARN */
void learn_answered(struct conn_home *home, const struct authn_answer *answer);

/* learn_parked - the ACK of one that waited; p is freed. */
void learn_parked(struct parked *p, struct outbuf *out);

#endif
