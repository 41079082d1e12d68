/* Where we listen: "127.0.0.1:12350", "[::1]:12350", "unix@/run/haward/spop.sock", "abns@haward". */
#ifndef SERVER_ADDRESS_H
#define SERVER_ADDRESS_H

#include "core/macros.h"
#include "core/sv.h"

#include <sys/socket.h>
#include <sys/un.h>

struct address {
	struct sockaddr_storage at;
	socklen_t n;
	const char *path; /* file of a UNIX socket, inside the text that was parsed; else NULL */
};

/* address_parse - in HAProxy's spelling; "unix:/path" too. A host is an IP address, not a name.
 * lifetime  text must outlive *ret
 * returns false when it is none of these
 */
MUST_CHECK bool address_parse(const char *text, struct address *ret);

/* address_listen - a listening, non-blocking, close-on-exec socket.
 *
 * in      mode: permissions of a UNIX socket's file, e.g. 0660. A file nobody answers on is replaced
 * errors  the descriptor, or -errno; -EADDRINUSE also when another process answers on the file
 */
MUST_CHECK int address_listen(const struct address *address, unsigned mode);

/* address_of_peer - "127.0.0.1:4711" or "unix", terminated, for people. */
enum { ADDRESS_TEXT_BYTES = 64 };
void address_of_peer(int fd, char text[ADDRESS_TEXT_BYTES]);
/* address_port - the port a listening TCP socket got; 0 for others. */
unsigned address_port(int fd);

#endif
