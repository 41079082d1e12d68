/* What a viewer may filter by must not tell people apart: two rows that differ only in what is masked answer
 * every admitted filter alike. */
#include "admin/mask.h"
#include "audit/filter.h"

#include <stdint.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct audit_row row_of(struct sv user, struct sv subject, struct sv query, struct sv agent,
                               uint8_t last)
{
	return (struct audit_row){
		.seq = 7,
		.record = {.kind = AUDIT_REQUEST,
	                   .at_us = 1764000000000000,
	                   .user = user,
	                   .subject = subject,
	                   .query = query,
	                   .user_agent = agent,
	                   .src = netaddr_v4((const uint8_t[]){10, 0, 0, last}),
	                   .src_port = last,
	                   .has_verdict = true,
	                   .service = SV("orders"),
	                   .method = SV("GET"),
	                   .path = SV("/orders/1"),
	                   .reason = SV("no_policy_matched"),
	                   .status = 403},
	};
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct audit_query_error error = {0};
	struct audit_filter *filter = NULL;
	for (size_t i = 0; i < size; i++)
		if (data[i] < 0x20 || data[i] == 0x7f)
			return 0; /* target_parse() has refused the request */
	if (audit_filter_parse((struct sv){(const char *)data, size}, &error, &filter) != 0)
		return 0;
	struct audit_row alice = row_of(SVL("alice"), SVL("a1"), SVL("x=alice"), SVL("curl"), 1);
	struct audit_row bob = row_of(SVL("bob"), SVL("b2"), SVL("x=bob"), SVL("wget"), 2);
	if (mask_filter_ok(audit_filter_text(filter)) &&
	    audit_filter_wants(filter, &alice) != audit_filter_wants(filter, &bob))
		abort();
	audit_filter_free(filter);
	return 0;
}
