/* One row as CSV: RFC 4180, safe to open in a spreadsheet. */
#ifndef AUDIT_CSV_H
#define AUDIT_CSV_H

#include "core/outbuf.h"

#include <stdbool.h>

struct audit_row;

void audit_csv_header(struct outbuf *out);
/* audit_csv_row - one row with its CRLF; AUDIT_JSON_MAX bytes always suffice.
 * in  raw: cells as they are; else a text that a spreadsheet takes for a formula gets a leading "'" */
void audit_csv_row(const struct audit_row *row, bool raw, struct outbuf *out);

/* audit_csv_cell - one text cell. source: RFC 4180 2.5-2.7, OWASP ASVS 1.2.10 */
void audit_csv_cell(struct outbuf *out, struct sv text, bool raw);

#endif
