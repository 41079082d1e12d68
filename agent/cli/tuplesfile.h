#ifndef CLI_TUPLESFILE_H
#define CLI_TUPLESFILE_H

#include "core/macros.h"

struct relation_model;
struct relation_tuples;

/* tuplesfile_load - a file of tuples, one a line (relationlines.h). What the model does not allow counts for nothing, and
 * is said on standard error, once a tuple.
 *
 * in      command: who says so; path: "-" is standard input
 * out     *ret: sealed, owned, freed with relation_tuples_free(); set only on EX_OK
 * returns EX_OK, EX_NOINPUT, EX_DATAERR, EX_IOERR, EX_OSERR
 */
MUST_CHECK int tuplesfile_load(const char *command, const char *path,
                               const struct relation_model *model, struct relation_tuples **ret);

#endif
