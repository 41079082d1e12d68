#ifndef STATE_ROLES_H
#define STATE_ROLES_H

#include "core/macros.h"
#include "core/sv.h"

#include <stddef.h>
#include <stdint.h>

/* Roles are sets of rights, not ranks: who writes policies need not see personal data, and who
 * reads the trail need not write policies. An account holds a set of them; some include others:
 *
 *   auditor > viewer      publisher > editor > viewer      admin > all
 *
 * The empty set may do nothing. */
enum state_role {
	ROLE_NOBODY = 0,
	ROLE_VIEWER = 1U << 0,    /* read, personal data masked */
	ROLE_AUDITOR = 1U << 1,   /* personal data, exports, admin events */
	ROLE_EDITOR = 1U << 2,    /* drafts, evaluations */
	ROLE_PUBLISHER = 1U << 3, /* publish, roll back */
	ROLE_ADMIN = 1U << 4,     /* accounts */
};

#define ROLES_ALL 0x1fU
#define N_ROLES   5
/* Longest text of roles_text(), with its NUL. */
#define ROLES_TEXT_BYTES 48

/* roles_effective - the set with everything it includes. Unknown bits are dropped. */
uint32_t roles_effective(uint32_t roles);

/* role_find - the role of that name; ROLE_NOBODY when there is none. */
uint32_t role_find(struct sv name);

/* role_name - the i-th role's name in the order of the enum, and its bit; NULL from N_ROLES on. */
const char *role_name(size_t i, uint32_t *ret_role);

/* roles_text - "viewer,auditor": the names in the order of the enum, comma between. */
void roles_text(uint32_t roles, char ret[static ROLES_TEXT_BYTES]);

/* roles_parse - the inverse; also takes spaces around names.
 *
 * errors  0, or -EINVAL: unknown name or no name at all
 */
MUST_CHECK int roles_parse(struct sv text, uint32_t *ret);

#endif
