#include "audit/crc32c.h"
#include "audit/record.h"
#include "audit/redact.h"
#include "audit/timetext.h"
#include "core/limits.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <string.h>

static struct audit_record full_record(void)
{
	static uint8_t groups[64];
	static const char trace[16] = "0123456789abcdef";
	struct outbuf list = outbuf_over(groups, sizeof(groups));
	audit_list_add(&list, SVL("staff"));
	audit_list_add(&list, SVL(""));
	audit_list_add(&list, SVL("on call"));
	return (struct audit_record){
		.kind = AUDIT_REQUEST,
		.id = {.bytes = {1, 2, 3}},
		.at_us = 1795000000000000,
		.boot_us = 12345,
		.has_verdict = true,
		.effect = VERDICT_ALLOW,
		.has_shadow = true,
		.shadow_effect = VERDICT_DENY,
		.auth_method = AUTH_JWT,
		.status = 200,
		.src = {.family = 4, .bytes = {10, 1, 2, 3}},
		.dst = {.family = 6, .bytes = {0x20, 1}},
		.user = SV("alice"),
		.groups = {outbuf_sv(&list)},
		.path = SV("/orders/7"),
		.trace_id = {trace, 16},
		.bytes_out = 1,
		.server = SV("s1"),
	};
}

static void record_comes_back_as_it_was(void **state)
{
	(void)state;
	static uint8_t room[AUDIT_RECORD_MAX], again[AUDIT_RECORD_MAX];
	struct audit_record in = full_record(), out;
	struct outbuf bytes = outbuf_over(room, sizeof(room));
	audit_record_encode(&in, &bytes);
	assert_false(bytes.failed);
	assert_int_equal(audit_record_decode(outbuf_sv(&bytes), &out), 0);
	assert_int_equal(out.kind, AUDIT_REQUEST);
	assert_memory_equal(&out.id, &in.id, sizeof(in.id));
	assert_true(out.has_verdict && out.effect == VERDICT_ALLOW);
	assert_true(out.has_shadow && out.shadow_effect == VERDICT_DENY);
	assert_true(sv_eq(out.user, in.user) && sv_eq(out.path, in.path));
	assert_true(sv_eq(out.groups.packed, in.groups.packed));
	assert_true(netaddr_eq(&out.src, &in.src) && netaddr_eq(&out.dst, &in.dst));
	assert_int_equal(audit_number(out.bytes_out), 0);
	assert_int_equal(audit_number(out.bytes_in), -1);
	struct outbuf twice = outbuf_over(again, sizeof(again));
	audit_record_encode(&out, &twice);
	assert_int_equal(twice.n, bytes.n);
	assert_memory_equal(room, again, twice.n);
}

static void list_gives_its_items_in_order(void **state)
{
	(void)state;
	struct audit_record record = full_record();
	struct audit_list rest = record.groups;
	struct sv item;
	assert_true(audit_list_next(&rest, &item) && sv_eq(item, SVL("staff")));
	assert_true(audit_list_next(&rest, &item) && item.n == 0);
	assert_true(audit_list_next(&rest, &item) && sv_eq(item, SVL("on call")));
	assert_false(audit_list_next(&rest, &item));
}

static void damaged_bytes_are_refused_at_every_cut(void **state)
{
	(void)state;
	static uint8_t room[AUDIT_RECORD_MAX];
	struct audit_record in = full_record(), out;
	struct outbuf bytes = outbuf_over(room, sizeof(room));
	audit_record_encode(&in, &bytes);
	for (size_t n = 0; n < bytes.n; n++)
		assert_int_equal(audit_record_decode(sv_first(outbuf_sv(&bytes), n), &out),
		                 -EBADMSG);
	outbuf_u8(&bytes, 0);
	assert_int_equal(audit_record_decode(outbuf_sv(&bytes), &out), -EBADMSG);
	bytes.n--;
	room[0] = 9; /* a version nobody wrote */
	assert_int_equal(audit_record_decode(outbuf_sv(&bytes), &out), -EBADMSG);
}

static void every_field_at_its_largest_fits_and_says_that_it_is_cut(void **state)
{
	(void)state;
	static char big[70000];
	static uint8_t room[AUDIT_RECORD_MAX], packed[60000];
	memset(big, 'x', sizeof(big));
	struct outbuf list = outbuf_over(packed, sizeof(packed));
	while (outbuf_left(&list) > 1000)
		audit_list_add(&list, (struct sv){big, 100});
	struct sv text = {big, sizeof(big)};
	struct audit_list items = {outbuf_sv(&list)};
	struct netaddr v6 = {.family = 6};
	struct audit_record in = {.kind = AUDIT_ADMIN,
	                          .at_us = UINT64_MAX,
	                          .boot_us = UINT64_MAX,
	                          .status = UINT64_MAX,
	                          .policy_version = UINT64_MAX,
	                          .took_ns = UINT64_MAX,
	                          .src = v6,
	                          .dst = v6,
	                          .src_port = UINT64_MAX,
	                          .dst_port = UINT64_MAX,
	                          .user = text,
	                          .subject = text,
	                          .issuer = text,
	                          .client = text,
	                          .workload = text,
	                          .source_service = text,
	                          .groups = items,
	                          .scopes = items,
	                          .why = items,
	                          .service = text,
	                          .method = text,
	                          .host = text,
	                          .path = text,
	                          .query = text,
	                          .route = text,
	                          .reason = text,
	                          .policy = text,
	                          .shadow_policy = text,
	                          .request_id = text,
	                          .user_agent = text,
	                          .sni = text,
	                          .trace_id = text,
	                          .action = text,
	                          .target = text,
	                          .result = text,
	                          .before = text,
	                          .after = text,
	                          .detail = text,
	                          .roles = text,
	                          .channel = text,
	                          .gap_count = UINT64_MAX,
	                          .gap_first_us = UINT64_MAX,
	                          .gap_last_us = UINT64_MAX,
	                          .out_status = UINT64_MAX,
	                          .bytes_out = UINT64_MAX,
	                          .bytes_in = UINT64_MAX,
	                          .duration_ms = UINT64_MAX,
	                          .queue_ms = UINT64_MAX,
	                          .connect_ms = UINT64_MAX,
	                          .response_ms = UINT64_MAX,
	                          .termination = text,
	                          .backend = text,
	                          .server = text};
	struct audit_record out;
	struct outbuf bytes = outbuf_over(room, sizeof(room));
	audit_record_encode(&in, &bytes);
	assert_false(bytes.failed);
	assert_int_equal(audit_record_decode(outbuf_sv(&bytes), &out), 0);
	assert_true(out.cut);
	assert_true(out.path.n > 0 && out.groups.packed.n > 0);
}

static void text_is_cut_between_characters(void **state)
{
	(void)state;
	struct sv text = SV("ab\xc3\xa9");
	assert_int_equal(audit_text_cut(text, 4).n, 4);
	assert_int_equal(audit_text_cut(text, 3).n, 2);
	assert_int_equal(audit_text_cut(text, 2).n, 2);
}

static void secrets_in_queries_are_replaced(void **state)
{
	(void)state;
	static const struct {
		struct sv in, out;
	} cases[] = {
		{SV(""), SV("")},
		{SV("a=1&b=2"), SV("a=1&b=2")},
		{SV("token=abc"), SV("token=***")},
		{SV("a=1&access_token=x&b"), SV("a=1&access_token=***&b")},
		{SV("Access-Token=x;c=3"), SV("Access-Token=***;c=3")},
		{SV("%74oken=x"), SV("%74oken=***")},
		{SV("my_secret=1&monkey=2"), SV("my_secret=***&monkey=2")},
		{SV("code=&key"), SV("code=&key")},
		{SV("password=a=b&x"), SV("password=***&x")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char room[128];
		struct outbuf out = outbuf_over(room, sizeof(room));
		assert_true(audit_redact_query(cases[i].in, &out));
		assert_true(sv_eq(outbuf_sv(&out), cases[i].out));
	}
}

static void redaction_stops_whole_where_room_ends(void **state)
{
	(void)state;
	char room[8];
	struct outbuf out = outbuf_over(room, sizeof(room));
	assert_false(audit_redact_query(SVL("a=1&token=abcdef"), &out));
	assert_true(sv_eq(outbuf_sv(&out), SVL("a=1&")));
}

static void both_sums_agree(void **state)
{
	(void)state;
	struct sv text = SV("123456789");
	assert_int_equal(audit_crc32c(0, text), 0xe3069283);
	assert_int_equal(audit_crc32c_plain(0, text), 0xe3069283);
	char bytes[300];
	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (char)(i * 7);
	for (size_t n = 0; n < sizeof(bytes); n++)
		assert_int_equal(audit_crc32c(5, (struct sv){bytes, n}),
		                 audit_crc32c_plain(5, (struct sv){bytes, n}));
}

static void times_are_those_of_the_clock(void **state)
{
	(void)state;
	uint64_t at_us = 0;
	for (int i = 0; i < 20000; i++, at_us += 7654321987654) {
		char ours[CLOCK_TEXT_BYTES], theirs[CLOCK_TEXT_BYTES];
		assert_true(
			sv_eq(audit_time_text(at_us, ours), clock_format((int64_t)at_us, theirs)));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(record_comes_back_as_it_was),
		cmocka_unit_test(list_gives_its_items_in_order),
		cmocka_unit_test(damaged_bytes_are_refused_at_every_cut),
		cmocka_unit_test(every_field_at_its_largest_fits_and_says_that_it_is_cut),
		cmocka_unit_test(text_is_cut_between_characters),
		cmocka_unit_test(secrets_in_queries_are_replaced),
		cmocka_unit_test(redaction_stops_whole_where_room_ends),
		cmocka_unit_test(both_sums_agree),
		cmocka_unit_test(times_are_those_of_the_clock),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
