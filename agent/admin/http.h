#ifndef ADMIN_HTTP_H
#define ADMIN_HTTP_H

#include "core/macros.h"

struct admin;

/* http_start - run libmicrohttpd on admin->listen_fd. errors: 0 or -errno. */
MUST_CHECK int http_start(struct admin *admin);

/* http_stop - no request may be on a lane any more. */
void http_stop(struct admin *admin);

#endif
