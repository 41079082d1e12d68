#ifndef ADMIN_LISTEN_H
#define ADMIN_LISTEN_H

#include "core/macros.h"

struct admin;

/* listen_open - bind options->listen, or take listen_fd when it is not -1, and note in admin what kind of
 * address it is, its port, and which Host headers are answered.
 *
 * errors  0 or -errno; -EINVAL: not an address; -EPERM: neither loopback, UNIX nor behind https
 */
MUST_CHECK int listen_open(struct admin *admin, int listen_fd);

/* listen_fini - what listen_open() noted; also removes the UNIX socket. */
void listen_fini(struct admin *admin);

#endif
