/* New tokens for a session before the old ones expire, while it is in use. Internal to this folder. */
#ifndef POLICY_LOGINREFRESH_H
#define POLICY_LOGINREFRESH_H

#include "policy/loginsession.h"

/* login_refresh_begin - asks the provider, unless that is under way for this session: parallel tabs must not use a
 * refresh token twice. The session goes on meanwhile; it ends only when the provider says that it is over.
 *
 * in      policy: a reference is taken; login: of it
 * thread  that of logins
 */
void login_refresh_begin(struct policy_logins *logins, struct policy *policy,
                         const struct login *login, const struct login_kept *kept);

#endif
