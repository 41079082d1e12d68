/* A stored record decodes to what encodes to the same bytes; every form of it fits its room. */
#include "audit/csv.h"
#include "audit/json.h"
#include "audit/query.h"
#include "audit/record.h"
#include "core/jsonload.h"
#include "core/limits.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint8_t room[AUDIT_RECORD_MAX], text[AUDIT_JSON_MAX];

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv bytes = {(const char *)data, size};
	struct audit_row row = {.seq = 1, .has_outcome = true};
	struct audit_head head;
	int r = audit_record_decode(bytes, &row.record);
	if (r != 0)
		return 0;
	if (audit_record_head(bytes, &head) != 0 || head.at_us != row.record.at_us)
		abort();
	struct outbuf again = outbuf_over(room, sizeof(room));
	audit_record_encode(&row.record, &again);
	if (again.failed || !sv_eq(outbuf_sv(&again), bytes))
		abort();
	row.outcome = row.record;
	struct outbuf out = outbuf_over(text, sizeof(text));
	audit_json_row(&row, false, &out);
	json_t *value = out.failed ? NULL : json_load_strict(outbuf_sv(&out), 0, NULL);
	if (!value)
		abort();
	json_decref(value);
	out = outbuf_over(text, sizeof(text));
	audit_csv_row(&row, false, &out);
	if (out.failed)
		abort();
	return 0;
}
