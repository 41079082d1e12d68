/* A filter's normal form means itself; matching ends for any row. */
#include "audit/filter.h"
#include "audit/query.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv text = {(const char *)data, size};
	struct audit_query_error error = {0};
	struct audit_filter *filter = NULL, *again = NULL;
	uint64_t at_us;
	(void)!audit_time_parse(text, 1, &at_us);
	if (audit_filter_parse(text, &error, &filter) != 0) {
		if (error.column == 0 || error.column > size + 1 || !error.message[0])
			abort();
		return 0;
	}
	if (audit_filter_parse(audit_filter_text(filter), &error, &again) != 0 ||
	    !sv_eq(audit_filter_text(filter), audit_filter_text(again)))
		abort();
	struct audit_row row = {
		.record = {.kind = AUDIT_REQUEST, .user = text, .path = text, .has_verdict = true}};
	if (audit_filter_wants(filter, &row) != audit_filter_wants(again, &row))
		abort();
	audit_filter_free(filter);
	audit_filter_free(again);
	return 0;
}
