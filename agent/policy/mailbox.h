/* The part of a mailbox that only who delivers needs. Internal to this folder. */
#ifndef POLICY_MAILBOX_H
#define POLICY_MAILBOX_H

#include "policy/asks.h"

struct policy_mailbox *policy_mailbox_ref(struct policy_mailbox *box);
void policy_mailbox_unref(struct policy_mailbox *box);
/* policy_mailbox_put - takes the answer over; NULL is allowed and tells nobody. thread: any */
void policy_mailbox_put(struct policy_mailbox *box, struct authn_answer *answer);

#endif
