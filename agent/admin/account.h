#ifndef ADMIN_ACCOUNT_H
#define ADMIN_ACCOUNT_H

#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

struct call;

/* account_roles - the names of a set of roles, as Session and Admin show them. */
json_t *account_roles(uint32_t roles);

/* account_ok - may an account be called this and have this password? False: the reply is set. */
MUST_CHECK bool account_ok(struct call *call, struct sv name, struct sv password);

#endif
