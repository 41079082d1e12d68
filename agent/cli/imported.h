/* What every `haward import` does with its file and with the policy set that it made. Each returns an exit status and has
 * said what is wrong. */
#ifndef CLI_IMPORTED_H
#define CLI_IMPORTED_H

#include "core/diag.h"
#include "core/macros.h"

#include <jansson.h>
#include <stddef.h>

/* imported_read - the whole file. out: *ret: owned, of *ret_n octets */
MUST_CHECK int imported_read(const char *path, char **ret, size_t *ret_n);

/* imported_yaml - out: as yaml_load() */
MUST_CHECK int imported_yaml(const char *path, struct sv text, json_t **ret_documents,
                             json_t **ret_lines);

/* imported_status - of 0, -EINVAL: something cannot be imported, or -ENOMEM. */
int imported_status(int r);

/* imported_from - where the policy came from that an error of the result is about.
 *
 * in      origins: one a policy
 * out     *ret_rest: what of the pointer is behind "/policies/N"; all of it where the error is about none
 * returns borrowed, NULL for none
 */
const json_t *imported_from(const json_t *origins, const struct diag_item *item,
                            const char **ret_rest);

/* Tells an error of the result by its place in the file. */
typedef void imported_tell(const char *path, const void *import, const struct diag_item *item);

/* imported_write - the set to standard output, if the loader of policy sets, which is the judge, takes it. */
MUST_CHECK int imported_write(const char *path, const json_t *set, imported_tell *tell,
                              const void *import);

#endif
