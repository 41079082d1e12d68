#ifndef STATE_PEPPER_H
#define STATE_PEPPER_H

#include "core/macros.h"

#include <stdint.h>

struct state;

/* The secret that digests of API keys are made with. It stands in a file of its own, so that who gets hold of the
 * records alone, say in a copy of them, cannot try secrets against them. Only a digest of it is in state/, which tells
 * whether the file is the one that belongs to these records. */
#define PEPPER_BYTES 32
#define PEPPER_FILE  "api-keys.pepper" /* in the data directory, mode 0600 */

/* state_pepper_read - the pepper in the file.
 *
 * errors  0; -ENODATA there is none, and none was ever made; -ENOKEY the file is gone; -EKEYREJECTED it is another
 *         one; -EBADMSG it is no pepper; or a negative errno
 */
MUST_CHECK int state_pepper_read(const struct state *state, const char *path,
                                 uint8_t ret[static PEPPER_BYTES]);

/* state_pepper_make - the same, but makes it when none was ever made; never twice, also when two processes try.
 * errors: as above but -ENODATA */
MUST_CHECK int state_pepper_make(struct state *state, const char *path,
                                 uint8_t ret[static PEPPER_BYTES]);

#endif
