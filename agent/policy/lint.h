/* What a good policy set says that nobody is likely to mean. Findings are for people: they stop nothing. Only what is
 * sure is told; what cannot be told from the text alone is not.
 *
 * code                  found
 * wide_open             a rule without conditions allows everything to everybody, also to who is not signed in
 * never_grants          an ALLOW policy for services on which a DENY policy denies everything
 *                       or an operation of one, all of which a DENY rule takes
 * never_matches         an ALLOW policy without rules: it only ends the default; an operation of hosts that none of its
 *                       services has
 * doubled_path          two paths of an operation that differ in the names of their captures alone
 * doubled_policy        says what an earlier one says
 * closed_service        no ALLOW policy and no role is for the service, so that all of it is denied
 * unknown_issuer        a requestPrincipal of an issuer that the set does not have
 * unknown_trust_domain  a principal of a trust domain that the set, which names some, does not have
 * unknown_claim         a claim whose name is nearly that of one that is known
 * unused_issuer         no ALLOW rule lets anybody in by the issuer, and no role or login is about it
 * unbound_role          nobody holds the role, and no other inherits it
 */
#ifndef POLICY_LINT_H
#define POLICY_LINT_H

#include "core/diag.h"
#include "core/macros.h"
#include "core/sv.h"

/* policy_lint - in: text: one that policy_load() takes. out: d: a finding an item. errors: 0, -EINVAL, -ENOMEM */
MUST_CHECK int policy_lint(struct sv text, struct diag *d);

#endif
