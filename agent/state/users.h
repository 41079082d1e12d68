#ifndef STATE_USERS_H
#define STATE_USERS_H

#include "core/macros.h"
#include "core/sv.h"
#include "state/password.h"

#include <stddef.h>
#include <stdint.h>

struct state;

/* Who may sign in to services by HTTP Basic; accounts of the dashboard are others (admins.h). */
#define USER_NAME_BYTES   129 /* 128 bytes and a NUL */
#define USER_GROUPS_BYTES 512
#define USER_REVISION     "revision-users" /* for state_revision() */

/* One user. Times are microseconds since 1970. */
struct state_user {
	char name[USER_NAME_BYTES];
	char hash[PASSWORD_PHC_BYTES];  /* argon2id as PHC, or one of crypthash.h */
	char groups[USER_GROUPS_BYTES]; /* with commas between; may be empty */
	int64_t created_us;
	int64_t changed_us;
};

/* user_name_ok - 1 to 128 bytes of UTF-8 without control characters and colons (RFC 7617 2), no blank at an end. */
bool user_name_ok(struct sv name);
/* user_groups_ok - names with commas between, none of them empty or with a control character; or nothing. */
bool user_groups_ok(struct sv groups);

/* user_hash_kind - how the password is kept: "argon2id", "sha512" or "bcrypt". */
const char *user_hash_kind(const char *hash);

/* errors  0, -ENOENT, or a negative errno */
MUST_CHECK int state_user_get(const struct state *state, struct sv name, struct state_user *ret);

/* state_user_add - errors: 0, -EINVAL bad name, groups or hash, -EEXIST, or a negative errno */
MUST_CHECK int state_user_add(struct state *state, const struct state_user *user);

/* state_user_set_hash - a new password. in: before: only when the old hash is this one, and the password is the same,
 * which is no change of USER_REVISION; NULL: whatever it is
 * errors  0, -ENOENT, -EINVAL, -EAGAIN: it was another; or a negative errno */
MUST_CHECK int state_user_set_hash(struct state *state, struct sv name, const char *before,
                                   const char *hash, int64_t now_us);

/* state_user_set_groups - errors: 0, -ENOENT, -EINVAL, or a negative errno */
MUST_CHECK int state_user_set_groups(struct state *state, struct sv name, const char *groups,
                                     int64_t now_us);

/* state_user_change - both in one. in: hash, groups: NULL keeps what there is. errors: as of the two above */
MUST_CHECK int state_user_change(struct state *state, struct sv name, const char *hash,
                                 const char *groups, int64_t now_us);

/* state_user_remove - errors: 0, -ENOENT, or a negative errno */
MUST_CHECK int state_user_remove(struct state *state, struct sv name);

/* state_users_import - all or none: names that are not there are added, others get the hash.
 *
 * in      users: name and hash count; now_us: when
 * out     *ret_added, may be NULL
 * errors  0, -EINVAL, or a negative errno
 */
MUST_CHECK int state_users_import(struct state *state, const struct state_user *users, size_t n,
                                  int64_t now_us, size_t *ret_added);

/* state_user_list - visit every user by name. in: after: begins behind this name; empty: with the first;
 * visit: as of state_admin_list() */
MUST_CHECK int state_user_list(const struct state *state, struct sv after,
                               int (*visit)(void *user, const struct state_user *one), void *user);

#endif
