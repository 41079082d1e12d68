/* The text of a policy set -> a policy, or every error in it with its place. */
#ifndef POLICY_LOAD_H
#define POLICY_LOAD_H

#include "core/diag.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

struct fetch;
struct policy;
struct policy_keys;

/* What a policy set may reach outside itself. */
struct policy_env {
	const char *base_dir; /* relative key files are beside it; NULL: the working directory */
	struct policy_keys
		*keys; /* shared key sets of issuers; NULL: offline, only files and inline keys */
	struct fetch *fetch; /* who is asked which URLs may be; NULL: none is looked at */
};

/* policy_load - compile a policy set, all or nothing.
 *
 * in      text: the document; env: borrowed, its keys have to outlive the policy; version: its number
 * out     d: every error found, up to DIAG_MAX_ITEMS; *ret: one reference, the caller's; set only on 0
 * errors  0, -EINVAL when d says why, -ENOMEM
 * thread  any; nothing in force is touched
 */
MUST_CHECK int policy_load(struct sv text, const struct policy_env *env, uint64_t version,
                           struct diag *d, struct policy **ret);

/* policy_load_file - the same from a file. errors: also -errno of reading, -EFBIG */
MUST_CHECK int policy_load_file(const char *path, const struct policy_env *env, uint64_t version,
                                struct diag *d, char **ret_text, struct policy **ret);

#endif
