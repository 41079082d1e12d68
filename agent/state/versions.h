#ifndef STATE_VERSIONS_H
#define STATE_VERSIONS_H

#include "core/macros.h"
#include "core/sv.h"

#include <stddef.h>
#include <stdint.h>

struct state;

#define DIGEST_HEX_BYTES      65 /* SHA-256 in hexadecimal and a NUL */
#define VERSION_AUTHOR_BYTES  65
#define VERSION_MESSAGE_BYTES 2001 /* 2000 and a NUL: openapi.json PolicyVersionCreate */
#define POLICY_TEXT_MAX       (8U * 1024 * 1024) /* bytes; 10,000 policies are about 4 MB */

/* One published policy set. Versions are numbered from 1 without gaps and never change. */
struct state_version {
	uint64_t number;
	int64_t at_us;
	size_t n_bytes;
	char author[VERSION_AUTHOR_BYTES];
	char digest[DIGEST_HEX_BYTES];
	char message[VERSION_MESSAGE_BYTES];
	char *text; /* owned, NUL-terminated; NULL in lists */
};

/* state_version_fini - frees the text. */
void state_version_fini(struct state_version *version);

/* state_version_add - store text as the next version and make it the current one.
 *
 * in      expected: the number that the caller believes to be current; 0 = there is none yet
 *         number of the new version is always expected + 1; version->at_us 0: now
 * out     ret: the stored version without its text
 * errors  0, -ESTALE expected is not current, -EINVAL author, message or text outside their limits,
 *         or a negative errno
 */
MUST_CHECK int state_version_add(struct state *state, uint64_t expected,
                                 const struct state_version *version, struct sv text,
                                 struct state_version *ret);

/* state_version_get - one version with its text. number 0: the current one.
 *
 * errors  0, -ENOENT, -EBADMSG the stored text does not have its digest, or a negative errno
 */
MUST_CHECK int state_version_get(const struct state *state, uint64_t number,
                                 struct state_version *ret);

/* state_version_current - the current version without its text; errors as above. */
MUST_CHECK int state_version_current(const struct state *state, struct state_version *ret);

/* state_version_list - visit versions with number < before (0: all), newest first, at most limit.
 *
 * in      visit: returns 0 to go on; anything else ends the walk and is returned. Must not
 *         call into state
 */
MUST_CHECK int state_version_list(const struct state *state, uint64_t before, size_t limit,
                                  int (*visit)(void *user, const struct state_version *version),
                                  void *user);

#endif
