#ifndef AUDIT_EXPORT_H
#define AUDIT_EXPORT_H

#include "audit/query.h"
#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

enum audit_format {
	AUDIT_CSV = 0, /* RFC 4180, CRLF, header row, cells safe against formulas */
	AUDIT_JSONL,   /* one decision resource a line */
};

struct audit_export_options {
	struct audit_query_options query; /* limit and budget are ignored */
	enum audit_format format;
	bool raw_formulas; /* CSV for machines: cells as they are */
};

struct audit_export;

/* audit_export_open - start an export; it answers as of now.
 *
 * out     *ret, owned, closed with audit_export_close() before the store
 * errors  as audit_query_open()
 */
MUST_CHECK int audit_export_open(struct audit_store *store,
                                 const struct audit_export_options *options,
                                 struct audit_query_error *error, struct audit_export **ret);
void audit_export_close(struct audit_export *export);

/* audit_export_fill - the next bytes of the stream. Memory stays constant whatever the size.
 *
 * out     buffer[0..max): at least one byte unless the end is reached
 * errors  n > 0 bytes; 0: complete, all rows are out; -errno: the export failed and the stream must
 *         be broken off, never quietly ended. A failed export stays failed.
 * thread  one at a time
 */
MUST_CHECK ssize_t audit_export_fill(struct audit_export *export, void *buffer, size_t max);

/* What went out so far; the digest is that of all bytes once fill() said 0. */
struct audit_export_stats {
	uint64_t n_rows;
	uint64_t n_bytes;
	uint8_t sha256[32];
};
void audit_export_stats(const struct audit_export *export, struct audit_export_stats *ret);

#endif
