#ifndef AUDIT_JSON_H
#define AUDIT_JSON_H

#include "core/outbuf.h"

#include <stdbool.h>

struct audit_row;

/* audit_json_row - append the decision resource of schema/audit.schema.json as one line of JSON,
 * without the newline. Text that is not UTF-8 is shown with U+FFFD, so the line is always valid
 * JSON.
 *
 * in      masked: adds "masked":true; the caller has emptied what may not be seen
 * errors  none here: out is sticky; AUDIT_JSON_MAX bytes always suffice
 */
void audit_json_row(const struct audit_row *row, bool masked, struct outbuf *out);

#endif
