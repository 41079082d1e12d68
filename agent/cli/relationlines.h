/* Tuples as people write them: one a line, as text or as JSON. */
#ifndef CLI_RELATIONLINES_H
#define CLI_RELATIONLINES_H

#include "authz/relation.h"

#include <stdio.h>

/* Called with each tuple; its views end with the call. returns 0 to go on; anything else ends the reading */
typedef int relation_take(void *user, const struct relation_tuple *tuple, size_t line);

/* relation_lines - in: path: for what is said of a line that is none, on standard error. errors: 0, -EINVAL such a line,
 * -EIO, or take's */
MUST_CHECK int relation_lines(FILE *from, const char *path, relation_take *take, void *user);

/* relation_line - one of them. in: line: not empty. errors: as above */
MUST_CHECK int relation_line(struct sv line, const char *path, size_t number, relation_take *take,
                             void *user);

#endif
