/* Test cases that a policy set carries (`tests`): requests, and what has to become of them.
 *
 * They are read with the set, so that one that cannot be asked is an error at save, and run where somebody asks: when
 * the set is published, by `haward policy test`, `haward check` and the dashboard.
 */
#ifndef POLICY_CASES_H
#define POLICY_CASES_H

#include "core/diag.h"
#include "core/macros.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct policy;
struct relation_model;

#define POLICY_CASE_FAILED "test_failed" /* code of policy_cases_report() */

/* policy_cases_check - the member `tests`, or NULL. in: model: of the set, NULL where it has errors. errors: 0, -EINVAL
 * with items in d, -ENOMEM */
MUST_CHECK int policy_cases_check(const json_t *tests, const struct relation_model *model,
                                  struct diag *d);

/* policy_cases_count - how many the set carries. */
size_t policy_cases_count(const struct policy *policy);

/* policy_cases_run - asks all of them.
 *
 * in      now_us: for those that do not say when
 * out     *ret_n_failed
 * returns an owned array, NULL when memory is out: one object a test, of name, pointer, passed, differences:
 *         [{member, expected, got}] and decision, as of policy_explain()
 * thread  any, not a worker
 */
MUST_CHECK json_t *policy_cases_run(const struct policy *policy, int64_t now_us,
                                    size_t *ret_n_failed);

/* policy_cases_report - runs them, and adds an item to d for each that fails.
 * errors  0: none failed, -EINVAL, -ENOMEM */
MUST_CHECK int policy_cases_report(const struct policy *policy, int64_t now_us, struct diag *d);

#endif
