#ifndef STATE_DRAFT_H
#define STATE_DRAFT_H

#include "core/macros.h"
#include "core/sv.h"
#include "state/versions.h"

#include <stdint.h>

struct state;

/* The one shared draft of the policy set. */
struct state_draft {
	uint64_t base_version; /* where the editing started; 0 = nowhere */
	uint64_t revision;     /* grows with every save; also over a removal, so that no ETag comes
	                          twice */
	int64_t at_us;
	char author[VERSION_AUTHOR_BYTES];
	char digest[DIGEST_HEX_BYTES];
	char *text; /* owned, NUL-terminated */
};

/* state_draft_fini - frees the text. */
void state_draft_fini(struct state_draft *draft);

/* errors  0, -ENOENT, or a negative errno */
MUST_CHECK int state_draft_get(const struct state *state, struct state_draft *ret);

/* state_draft_put - save the draft.
 *
 * in      expected: revision that the caller has seen; 0 = there is none
 *         draft: base_version, at_us, author; text: any UTF-8 within POLICY_TEXT_MAX
 * out     ret_revision, may be NULL
 * errors  0, -ESTALE somebody else saved or removed it, -EINVAL, or a negative errno
 */
MUST_CHECK int state_draft_put(struct state *state, uint64_t expected,
                               const struct state_draft *draft, struct sv text,
                               uint64_t *ret_revision);

/* state_draft_remove - errors: 0, -ENOENT, -ESTALE, or a negative errno */
MUST_CHECK int state_draft_remove(struct state *state, uint64_t expected);

#endif
