/* Standard input by the line, for commands that answer each line with one. */
#ifndef CLI_LINES_H
#define CLI_LINES_H

#include "core/macros.h"
#include "core/sv.h"

#include <stddef.h>

/* lines_next - the next line of standard input, without its end (LF or CR LF).
 *
 * in      room: of the longest line that is looked at, and two bytes more: one too many, and a CR
 * out     *ret: a view into room; of a line that is longer the rest is not kept
 * returns false at the end of the input
 */
MUST_CHECK bool lines_next(char *room, size_t size, struct sv *ret);

/* lines_end - what a command ends with after the last line: EX_OK, or EX_IOERR with a sentence on standard error when
 * the input could not be read or the answers not written. in: name: of the command, e.g. "token" */
MUST_CHECK int lines_end(const char *name);

#endif
