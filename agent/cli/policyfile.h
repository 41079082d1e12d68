#ifndef CLI_POLICYFILE_H
#define CLI_POLICYFILE_H

#include "core/macros.h"

struct policy;

/* policyfile_load - a policy set for a command that works without an agent: keys come from files and inline sets only.
 * What is wrong with it goes to standard error, each error with its place.
 *
 * out     *ret: one reference, the caller's; set only on 0
 * errors  as policy_load_file()
 */
MUST_CHECK int policyfile_load(const char *path, struct policy **ret);

#endif
