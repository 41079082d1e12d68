/* API keys between what is kept (state/) and what is looked up (authn/): giving them out, and making the table.
 *
 * After each act the table in force is an old one: policy_tables_refresh().
 */
#ifndef POLICY_APIKEYS_H
#define POLICY_APIKEYS_H

#include "authn/apikeytext.h"
#include "core/macros.h"
#include "policy/tables.h"
#include "state/apikeys.h"

/* policy_apikeys_build - of policy_table_source. errors: also those of state_pepper_read() */
MUST_CHECK int policy_apikeys_build(const struct policy_tables_env *env,
                                    const struct shared *before, struct shared **ret);

/* policy_apikey_create - a new key.
 *
 * in      wish: all but id and mac
 * out     text: the key, which nobody can show again: wipe it once it was shown. *ret: as it is kept, a copy
 * errors  0, -EINVAL state_apikey_fault() says more, those of state_pepper_make(), or a negative errno
 * thread  any; waits for the disk, as all acts do
 */
MUST_CHECK int policy_apikey_create(const struct policy_tables_env *env,
                                    const struct state_apikey *wish,
                                    char text[static APIKEY_TEXT_BYTES], struct state_apikey *ret);

/* policy_apikey_rotate - a new key in the place of one that ends.
 *
 * in      how: all but id and mac
 * out     as of policy_apikey_create()
 * errors  those of state_apikey_rotate() and state_pepper_make()
 */
MUST_CHECK int policy_apikey_rotate(const struct policy_tables_env *env, struct sv id,
                                    const struct state_apikey_rotation *how,
                                    char text[static APIKEY_TEXT_BYTES], struct state_apikey *ret);

/* policy_apikeys_note_used - keeps the days of last use that workers have marked since the last time. in: table: in
 * force, may be NULL. errors: 0 or -errno */
MUST_CHECK int policy_apikeys_note_used(const struct policy_tables_env *env,
                                        const struct shared *table);

/* policy_apikey_error_text - what an errno of these acts means, in words; NULL: nothing special. */
const char *policy_apikey_error_text(int error);

#endif
