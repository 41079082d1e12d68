#include "admin/mask.h"
#include "state/state.h"
#include "support/cmocka_prelude.h"

#include <stdlib.h>
#include <string.h>

static void viewers_may_not_ask_about_people(void **state)
{
	(void)state;
	static const struct {
		struct sv filter;
		bool ok;
	} cases[] = {
		{SV(""), true},
		{SV("verdict:deny"), true},
		{SV("verdict:deny service:orders,billing -policy:x"), true},
		{SV("path:\"/a b\" status:403"), true},
		{SV("service:\"a\\\"b user:c\""), true},
		{SV("01KB3Q7Z0V9M6H4D5T8W2X1Y3Z"), true},
		{SV("user:alice"), false},
		{SV("-user:alice"), false},
		{SV("subject:alice"), false},
		{SV("actor:alice"), false},
		{SV("ip:10.0.0.0/8"), false},
		{SV("src:10.0.0.1"), false},
		{SV("query:token"), false},
		{SV("user_agent:curl"), false},
		{SV("alice"), false},
		{SV("\"alice\""), false},
		{SV("-alice"), false},
		{SV("verdict:deny user:alice"), false},
		{SV("service:a\"b user:alice"), false},
		{SV("service:\"a\"user:alice"), false},
		{SV("service:a,\"b c\",d user:alice"), false},
		{SV("service:\"open user:alice"),
	         true}, /* one value, and the filter refuses it anyway */
		{SV("nothing:known"), false},
		{SV(":x"), false},
		{SV(","), false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		if (mask_filter_ok(cases[i].filter) != cases[i].ok)
			fail_msg("case %zu: %.*s", i, SV_ARG(cases[i].filter));
}

static void people_become_pseudonyms_and_addresses_networks(void **state)
{
	(void)state;
	static const uint8_t key[STATE_MASK_KEY_BYTES] = {1};
	static const uint8_t other_key[STATE_MASK_KEY_BYTES] = {2};
	struct mask_room *room = calloc(2, sizeof(*room));
	uint8_t packed[128];
	struct outbuf why = outbuf_over(packed, sizeof(packed));
	static const struct sv parts[AUDIT_WHY_PARTS] = {SV("p"),
	                                                 SV("/policies/0"),
	                                                 SV("claims[mail]"),
	                                                 SV("alice@example"),
	                                                 SV("bob@example"),
	                                                 SV("")};
	for (size_t i = 0; i < ARRAY_LEN(parts); i++)
		audit_list_add(&why, parts[i]);
	struct audit_row row = {.record = {.user = SV("alice"),
	                                   .subject = SV("sub-1"),
	                                   .query = SV("a=b"),
	                                   .user_agent = SV("curl"),
	                                   .src_port = 4711,
	                                   .src = netaddr_v4((const uint8_t[]){192, 0, 2, 17}),
	                                   .path = SV("/orders"),
	                                   .why = {outbuf_sv(&why)}}};
	struct audit_row masked, again, other;
	assert_true(mask_row(key, &row, room, &masked));
	assert_true(sv_starts(masked.record.user, SVL("user-")));
	assert_int_equal(masked.record.user.n, 21);
	assert_int_equal(
		masked.record.subject.n + masked.record.query.n + masked.record.user_agent.n, 0);
	assert_int_equal(masked.record.src_port, 0);
	assert_int_equal(masked.record.src.bytes[3], 0);
	assert_int_equal(masked.record.src.bytes[2], 2);
	assert_true(sv_eq(masked.record.path, SVL("/orders")));

	struct audit_list rest = masked.record.why;
	struct sv part;
	for (size_t i = 0; i < AUDIT_WHY_PARTS; i++) {
		assert_true(audit_list_next(&rest, &part));
		assert_true(sv_eq(part, i == AUDIT_WHY_VALUE ? (struct sv){0} : parts[i]));
	}
	assert_false(audit_list_next(&rest, &part));

	assert_true(mask_row(key, &row, room + 1, &again));
	assert_true(sv_eq(masked.record.user, again.record.user));
	assert_true(mask_row(other_key, &row, room + 1, &other));
	assert_false(sv_eq(masked.record.user, other.record.user));

	row.record.user = (struct sv){0};
	assert_true(mask_row(key, &row, room, &masked));
	assert_int_equal(masked.record.user.n, 0);
	free(room);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(viewers_may_not_ask_about_people),
		cmocka_unit_test(people_become_pseudonyms_and_addresses_networks),
	};
	return cmocka_run_group_tests_name("admin/mask", tests, NULL, NULL);
}
