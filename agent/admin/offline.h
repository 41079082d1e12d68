#ifndef ADMIN_OFFLINE_H
#define ADMIN_OFFLINE_H

#include "core/macros.h"
#include "core/sv.h"

struct call;
struct policy;

/* offline_policy - a policy set that is only asked: no keys, since who only asks must not make the agent fetch what the
 * text names. returns one reference, the caller's; NULL: the reply is set */
MUST_CHECK struct policy *offline_policy(struct call *call, struct sv text);

#endif
