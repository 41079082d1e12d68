/* The file that Apache's htpasswd keeps: a user and a hash a line. */
#ifndef STATE_HTPASSWD_H
#define STATE_HTPASSWD_H

#include "core/diag.h"
#include "state/users.h"

enum { HTPASSWD_MAX_USERS = 10000 };

/* htpasswd_read - every line of text; empty ones and those that begin with # are passed over.
 *
 * out     *ret: owned array of *ret_n users, name and hash; set only on 0. d: every line that is wrong, by number
 * errors  0, -EINVAL with items in d, -ENOMEM
 */
MUST_CHECK int htpasswd_read(struct sv text, struct diag *d, struct state_user **ret,
                             size_t *ret_n);

#endif
