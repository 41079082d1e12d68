/* A new password: from the terminal without echo, or one line of standard input; never from argv. */
#ifndef CLI_NEWPASSWORD_H
#define CLI_NEWPASSWORD_H

#include "state/password.h"

/* newpassword_hash - asks for it, twice on a terminal, and hashes it.
 *
 * in      command: "haward admin", begins what is said; name: whose it is to be
 * out     phc, on 0
 * errors  0, -EINVAL: said, or a negative errno
 */
MUST_CHECK int newpassword_hash(const char *command, struct sv name,
                                char phc[static PASSWORD_PHC_BYTES]);

#endif
