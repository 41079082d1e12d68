#include "core/netaddr.h"
#include "support/cmocka_prelude.h"

static void blocks_hold_what_their_prefix_says(void **state)
{
	(void)state;
	static const struct {
		struct sv block, addr;
		bool in;
	} cases[] = {
		{SV("10.0.0.0/8"), SV("10.255.1.2"), true},
		{SV("10.0.0.0/8"), SV("11.0.0.0"), false},
		{SV("10.1.2.3"), SV("10.1.2.3"), true},
		{SV("10.1.2.3"), SV("10.1.2.4"), false},
		{SV("0.0.0.0/0"), SV("255.255.255.255"), true},
		{SV("0.0.0.0/0"), SV("2001:db8::1"), false},
		{SV("::/0"), SV("2001:db8::1"), true},
		{SV("::/0"), SV("10.0.0.1"), false},
		{SV("10.0.0.0/8"), SV("::ffff:10.9.9.9"), true},
		{SV("2001:db8::/33"), SV("2001:db8:7fff::1"), true},
		{SV("2001:db8::/33"), SV("2001:db8:8000::1"), false},
		{SV("192.168.1.128/25"), SV("192.168.1.127"), false},
		{SV("192.168.1.128/25"), SV("192.168.1.129"), true},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct netblock block;
		struct netaddr addr;
		assert_true(netblock_parse(cases[i].block, &block));
		assert_true(netaddr_parse(cases[i].addr, &addr));
		assert_int_equal(netblock_has(&block, &addr), cases[i].in);
	}
	assert_false(netblock_has(&(struct netblock){.base.family = 4}, &(struct netaddr){0}));
}

static void what_is_no_block_is_refused(void **state)
{
	(void)state;
	static const struct sv bad[] = {
		SV(""),
		SV("10.0.0.0/"),
		SV("10.0.0.0/33"),
		SV("10.0.0.1/8"),
		SV("10.0.0/8"),
		SV("2001:db8::/129"),
		SV("2001:db8::1/32"),
		SV("10.0.0.0/08x"),
		SV("fe80::1%eth0"),
		SV("[::1]"),
		SV("10.0.0.0/0008"),
		SV("10.0.0.0\0/8"),
	};
	struct netblock block;
	for (size_t i = 0; i < ARRAY_LEN(bad); i++)
		assert_false(netblock_parse(bad[i], &block));
}

static void addresses_print_canonically(void **state)
{
	(void)state;
	static const struct {
		struct sv in;
		const char *out;
	} cases[] = {
		{SV("::ffff:1.2.3.4"), "1.2.3.4"},
		{SV("2001:0DB8:0:0::1"), "2001:db8::1"},
		{SV("255.0.0.1"), "255.0.0.1"},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct netaddr addr;
		char text[NETADDR_TEXT_BYTES];
		assert_true(netaddr_parse(cases[i].in, &addr));
		(void)netaddr_format(&addr, text);
		assert_string_equal(text, cases[i].out);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(blocks_hold_what_their_prefix_says),
		cmocka_unit_test(what_is_no_block_is_refused),
		cmocka_unit_test(addresses_print_canonically),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
