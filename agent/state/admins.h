#ifndef STATE_ADMINS_H
#define STATE_ADMINS_H

#include "core/macros.h"
#include "core/sv.h"
#include "state/password.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;

#define ADMIN_NAME_BYTES 65 /* 64 characters and a NUL: openapi.json Username */

/* One account. Times are microseconds since 1970; 0 = never. */
struct state_admin {
	char name[ADMIN_NAME_BYTES];
	char phc[PASSWORD_PHC_BYTES];
	uint32_t roles; /* as granted: see roles.h */
	bool disabled;
	int64_t created_us;
	int64_t changed_us;
	int64_t last_login_us;
};

/* What to change; zero = nothing. */
struct state_admin_change {
	const char *phc; /* NULL: keep */
	uint32_t roles;  /* ROLE_NOBODY: keep */
	bool set_disabled;
	bool disabled;
};

/* admin_name_ok - lower case letters, digits and . _ @ -; begins with a letter or digit; 1 to 64
 * bytes. */
bool admin_name_ok(struct sv name);

/* errors  0, -ENOENT, or a negative errno */
MUST_CHECK int state_admin_get(const struct state *state, struct sv name, struct state_admin *ret);

/* state_admin_add - errors: 0, -EINVAL bad name, roles or hash, -EEXIST, or a negative errno */
MUST_CHECK int state_admin_add(struct state *state, const struct state_admin *admin);

/* state_admin_change - change the account and end all its sessions.
 *
 * errors  0, -ENOENT, -EBUSY: nobody would be left who can manage accounts; or a negative errno
 */
MUST_CHECK int state_admin_change(struct state *state, struct sv name,
                                  const struct state_admin_change *change, int64_t now_us);

/* state_admin_remove - remove the account and end all its sessions. errors: as state_admin_change() */
MUST_CHECK int state_admin_remove(struct state *state, struct sv name);

/* state_admin_list - visit every account by name.
 *
 * in      visit: returns 0 to go on; anything else ends the walk and is returned. Must not
 *         call into state
 */
MUST_CHECK int state_admin_list(const struct state *state,
                                int (*visit)(void *user, const struct state_admin *admin),
                                void *user);

/* state_admin_count - number of accounts. */
MUST_CHECK int state_admin_count(const struct state *state, size_t *ret);

#endif
