/* Secrets in query strings never reach the book. */
#ifndef AUDIT_REDACT_H
#define AUDIT_REDACT_H

#include "core/outbuf.h"
#include "core/sv.h"

/* audit_redact_query - append the query string with the values of secret parameters replaced by "***".
 * Names are compared without case and after percent-decoding. Stops at a parameter's border when out is
 * full; returns false then. */
bool audit_redact_query(struct sv query, struct outbuf *out);

#endif
