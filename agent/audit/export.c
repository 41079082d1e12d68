#include "audit/export.h"

#include "audit/csv.h"
#include "audit/json.h"
#include "core/hash.h"
#include "core/limits.h"
#include "core/outbuf.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <stdlib.h>

enum { ROOM_BYTES = 256 * 1024 + AUDIT_JSON_MAX, EXPORT_BUDGET_MS = 200 };

struct audit_export {
	struct audit_query *query;
	enum audit_format format;
	bool raw;
	bool done;
	int error;
	EVP_MD_CTX *digest;
	uint64_t n_rows, n_bytes;
	struct outbuf rows; /* over room */
	size_t at;          /* given away of rows */
	uint8_t room[ROOM_BYTES];
};

static void close_export(struct audit_export **export)
{
	audit_export_close(*export);
}

int audit_export_open(struct audit_store *store, const struct audit_export_options *options,
                      struct audit_query_error *error, struct audit_export **ret)
{
	CLEANUP(close_export) struct audit_export *export = calloc(1, sizeof(*export));
	struct audit_query_options query = options->query;
	if (!export)
		return -ENOMEM;
	query.limit = UINT_MAX;
	query.budget_ms = EXPORT_BUDGET_MS;
	export->format = options->format;
	export->raw = options->raw_formulas;
	export->rows = outbuf_over(export->room, sizeof(export->room));
	export->digest = EVP_MD_CTX_new();
	if (!export->digest || EVP_DigestInit_ex(export->digest, EVP_sha256(), NULL) != 1)
		return -ENOMEM;
	int r = audit_query_open(store, &query, error, &export->query);
	if (r != 0)
		return r;
	if (export->format == AUDIT_CSV)
		audit_csv_header(&export->rows);
	*ret = TAKE(export);
	return 0;
}

void audit_export_close(struct audit_export *export)
{
	if (!export)
		return;
	audit_query_close(export->query);
	EVP_MD_CTX_free(export->digest);
	free(export);
}

/* Stops the page before a row that might not fit. */
static int add_row(void *user, const struct audit_row *row)
{
	struct audit_export *export = user;
	if (outbuf_left(&export->rows) < AUDIT_JSON_MAX)
		return 1;
	if (export->format == AUDIT_CSV) {
		audit_csv_row(row, export->raw, &export->rows);
	} else {
		audit_json_row(row, false, &export->rows);
		outbuf_u8(&export->rows, '\n');
	}
	export->n_rows++;
	return 0;
}

static int more_rows(struct audit_export *export)
{
	struct audit_page page;
	export->rows.n = 0;
	export->at = 0;
	int r = audit_query_page(export->query, add_row, export, &page);
	if (r != 0)
		return r;
	export->done = page.exhausted;
	return export->rows.failed ? -EMSGSIZE : 0;
}

static ssize_t give(struct audit_export *export, uint8_t *buffer, size_t max)
{
	size_t n = MIN_OF(export->rows.n - export->at, max);
	memcpy(buffer, export->room + export->at, n);
	if (EVP_DigestUpdate(export->digest, buffer, n) != 1)
		return -EIO;
	export->at += n;
	export->n_bytes += n;
	return (ssize_t)n;
}

ssize_t audit_export_fill(struct audit_export *export, void *buffer, size_t max)
{
	while (export->error == 0 && export->at == export->rows.n && !export->done)
		export->error = more_rows(export);
	if (export->error != 0)
		return export->error;
	ssize_t n = give(export, buffer, max);
	if (n < 0)
		export->error = (int)n;
	return n;
}

void audit_export_stats(const struct audit_export *export, struct audit_export_stats *ret)
{
	*ret = (struct audit_export_stats){.n_rows = export->n_rows, .n_bytes = export->n_bytes};
	EVP_MD_CTX *copy = EVP_MD_CTX_new();
	if (!copy || EVP_MD_CTX_copy_ex(copy, export->digest) != 1 ||
	    EVP_DigestFinal_ex(copy, ret->sha256, NULL) != 1)
		memset(ret->sha256, 0, sizeof(ret->sha256));
	EVP_MD_CTX_free(copy);
}
