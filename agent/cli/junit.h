/* Results of tests as JUnit's XML, which build servers read. */
#ifndef CLI_JUNIT_H
#define CLI_JUNIT_H

#include "core/macros.h"

#include <jansson.h>
#include <stdio.h>

/* junit_write - in: suite: its name; results: of policy_cases_run(). errors: 0, -EIO */
MUST_CHECK int junit_write(FILE *to, const char *suite, const json_t *results);

#endif
