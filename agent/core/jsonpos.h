/* Where in a JSON text a value stands: jansson keeps no positions, people need them. */
#ifndef CORE_JSONPOS_H
#define CORE_JSONPOS_H

#include "core/sv.h"

/* json_position - finds the value that an RFC 6901 pointer names.
 *
 * in      text: JSON, well formed or not; pointer: terminated, "" is the whole document. The last
 *         token may name a member that is not there: the position is then its parent's
 * out     *line, *column from 1, column in bytes; the deepest value found on the way
 */
void json_position(struct sv text, const char *pointer, unsigned *line, unsigned *column);

/* json_pointer_escape - appends one token to a pointer with '~' and '/' escaped (RFC 6901 3).
 * returns false when it does not fit the size bytes of pointer, which is then unchanged
 */
bool json_pointer_add(char *pointer, size_t size, struct sv token);

#endif
