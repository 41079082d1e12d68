#include "peer.h"

struct number {
	uint64_t value;
	struct sv bytes;
};

/* Where one byte more is needed, and the ends of the range. */
static const struct number numbers[] = {
	{0, SV("\x00")},
	{1, SV("\x01")},
	{239, SV("\xef")},
	{240, SV("\xf0\x00")},
	{255, SV("\xff\x00")},
	{256, SV("\xf0\x01")},
	{2287, SV("\xff\x7f")},
	{2288, SV("\xf0\x80\x00")},
	{264431, SV("\xff\xff\x7f")},
	{264432, SV("\xf0\x80\x80\x00")},
	{33818863, SV("\xff\xff\xff\x7f")},
	{33818864, SV("\xf0\x80\x80\x80\x00")},
	{UINT32_MAX, SV("\xff\xf0\xfe\xfe\x7e")},
	{INT64_MAX, SV("\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x06")},
	{(uint64_t)INT64_MAX + 1, SV("\xf0\xf1\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x06")},
	{UINT64_MAX, SV("\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e")},
};

static void numbers_are_written_and_read_by_their_bytes(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		uint8_t room[10];
		struct outbuf b = outbuf_over(room, sizeof(room));
		struct sv bytes = exact(numbers[i].bytes);
		struct cursor c = cursor_over(bytes);
		print_message("%llu\n", (unsigned long long)numbers[i].value);
		assert_true(spop_varint_read(&c) == numbers[i].value);
		assert_true(cursor_done(&c));
		spop_varint_write(&b, numbers[i].value);
		assert_true(!b.failed && sv_eq(outbuf_sv(&b), bytes));
		exact_free(bytes);
	}
}

static void a_number_that_ends_early_fails(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		for (size_t n = 0; n < numbers[i].bytes.n; n++) {
			struct sv bytes = exact(sv_first(numbers[i].bytes, n));
			struct cursor c = cursor_over(bytes);
			assert_true(spop_varint_read(&c) == 0);
			assert_true(c.failed);
			exact_free(bytes);
		}
	}
}

static void a_number_past_64_bits_fails(void **state)
{
	(void)state;
	static const struct sv cases[] = {
		SV("\xf0\xf1\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"),     /* 2^64 */
		SV("\xff\xf1\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"),     /* 2^64 + 15 */
		SV("\xf0\xf1\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x1e"),     /* 2^65 */
		SV("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),     /* all it can hold */
		SV("\xf0\x80\x80\x80\x80\x80\x80\x80\x80\x10"),     /* bits above, few below */
		SV("\xf0\x80\x80\x80\x80\x80\x80\x80\x80\x80\x00"), /* 11 bytes, small */
		SV("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"),
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sv bytes = exact(cases[i]);
		struct cursor c = cursor_over(bytes);
		assert_true(spop_varint_read(&c) == 0);
		assert_true(c.failed && cursor_left(&c) == 0);
		exact_free(bytes);
	}
}

static void every_size_of_number_comes_back(void **state)
{
	(void)state;
	uint64_t mixed = 0x9e3779b97f4a7c15;
	for (unsigned i = 0; i < 64 * 200; i++) {
		uint8_t room[10];
		struct outbuf b = outbuf_over(room, sizeof(room));
		mixed = mixed * 6364136223846793005U + 1442695040888963407U;
		uint64_t value = mixed >> (i % 64);
		spop_varint_write(&b, value);
		struct cursor c = cursor_over(outbuf_sv(&b));
		assert_true(spop_varint_read(&c) == value);
		assert_true(cursor_done(&c) && !b.failed);
	}
}

static void texts_do_not_reach_past_the_end(void **state)
{
	(void)state;
	static const struct {
		struct sv bytes;
		const char *text; /* NULL: refused */
	} cases[] = {
		{SV("\x00"), ""},
		{SV("\x03"
	            "abc"),
	         "abc"},
		{SV(""), NULL},
		{SV("\x04"
	            "abc"),
	         NULL},
		{SV("\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"
	            "abc"),
	         NULL},
		{SV("\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"
	            "abc"),
	         NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sv bytes = exact(cases[i].bytes);
		struct cursor c = cursor_over(bytes);
		struct sv text = spop_text_read(&c);
		assert_int_equal(c.failed, cases[i].text == NULL);
		assert_true(sv_eq(text, sv_of(cases[i].text)));
		exact_free(bytes);
	}
}

struct typed {
	const char *what;
	struct sv bytes;
	struct spop_value value;
};

#define IPV6_BYTES "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01"
#define IPV6_ADDR                                                          \
	{                                                                  \
		.family = 6, .bytes = { 0x20, 0x01, 0x0d, 0xb8, [15] = 1 } \
	}
#define IPV4_ADDR                                      \
	{                                              \
		.family = 4, .bytes = { 192, 0, 2, 1 } \
	}

static const struct typed values[] = {
	{"null", SV("\x00"), {.type = SPOP_DATA_NULL}},
	{"null with flags", SV("\xf0"), {.type = SPOP_DATA_NULL}},
	{"true", SV("\x11"), {.type = SPOP_DATA_BOOL, .truth = true}},
	{"false", SV("\x01"), {.type = SPOP_DATA_BOOL}},
	{"false with another flag", SV("\x21"), {.type = SPOP_DATA_BOOL}},
	{"int32", SV("\x02\x07"), {.type = SPOP_DATA_INT32, .number = 7}},
	{"uint32", SV("\x03\xf0\x00"), {.type = SPOP_DATA_UINT32, .number = 240}},
	{"int64", SV("\x04\x07"), {.type = SPOP_DATA_INT64, .number = 7}},
	{"int64 of -1",
         SV("\x04\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"),
         {.type = SPOP_DATA_INT64, .number = -1}},
	{"int64 at its least",
         SV("\x04\xf0\xf1\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x06"),
         {.type = SPOP_DATA_INT64, .number = INT64_MIN}},
	{"uint64 at its most",
         SV("\x05\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x06"),
         {.type = SPOP_DATA_UINT64, .number = INT64_MAX}},
	{"ipv4", SV("\x06\xc0\x00\x02\x01"), {.type = SPOP_DATA_IPV4, .addr = IPV4_ADDR}},
	{"ipv6", SV("\x07" IPV6_BYTES), {.type = SPOP_DATA_IPV6, .addr = IPV6_ADDR}},
	{"ipv4 in ipv6",
         SV("\x07\0\0\0\0\0\0\0\0\0\0\xff\xff\xc0\x00\x02\x01"),
         {.type = SPOP_DATA_IPV6, .addr = IPV4_ADDR}},
	{"string", SV("\x08\x02hi"), {.type = SPOP_DATA_STRING, .text = SV("hi")}},
	{"string of nothing", SV("\x08\x00"), {.type = SPOP_DATA_STRING}},
	{"string with a zero", SV("\x08\x03h\0i"), {.type = SPOP_DATA_STRING, .text = SV("h\0i")}},
	{"string with flags", SV("\x18\x02hi"), {.type = SPOP_DATA_STRING, .text = SV("hi")}},
	{"binary", SV("\x09\x02\xff\x00"), {.type = SPOP_DATA_BINARY, .text = SV("\xff\x00")}},
};

static void same_value(struct spop_value got, struct spop_value wanted)
{
	assert_int_equal(got.type, wanted.type);
	assert_int_equal(got.truth, wanted.truth);
	assert_true(got.number == wanted.number);
	assert_true(netaddr_eq(&got.addr, &wanted.addr));
	assert_true(sv_eq(got.text, wanted.text));
}

static void every_type_is_read(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		struct sv bytes = exact(values[i].bytes);
		struct cursor c = cursor_over(bytes);
		print_message("%s\n", values[i].what);
		same_value(spop_value_read(&c), values[i].value);
		assert_true(cursor_done(&c));
		exact_free(bytes);
	}
}

static void a_value_that_ends_early_is_none(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		for (size_t n = 0; n < values[i].bytes.n; n++) {
			struct sv bytes = exact(sv_first(values[i].bytes, n));
			struct cursor c = cursor_over(bytes);
			print_message("%s, %zu bytes\n", values[i].what, n);
			same_value(spop_value_read(&c), (struct spop_value){0});
			assert_true(c.failed);
			exact_free(bytes);
		}
	}
}

static void what_is_no_value_fails(void **state)
{
	(void)state;
	static const struct sv cases[] = {
		SV("\x0a\x00"),
		SV("\x0b\x00"),
		SV("\x0c\x00"),
		SV("\x0d\x00"),
		SV("\x0e\x00"),
		SV("\x0f\x00"),
		SV("\xff\x00"),
		SV("\x05\xf0\xf1\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x06"), /* uint64 past INT64_MAX */
		SV("\x03\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"),
		SV("\x04\xf0\xf1\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"), /* int64 past 64 bits */
		SV("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f"),
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sv bytes = exact(cases[i]);
		struct cursor c = cursor_over(bytes);
		same_value(spop_value_read(&c), (struct spop_value){0});
		assert_true(c.failed);
		exact_free(bytes);
	}
}

static void write_string(struct outbuf *b)
{
	spop_value_string(b, SVL("hi"));
}

static void write_true(struct outbuf *b)
{
	spop_value_bool(b, true);
}

static void write_false(struct outbuf *b)
{
	spop_value_bool(b, false);
}

static void write_minus_one(struct outbuf *b)
{
	spop_value_int32(b, -1);
}

static void write_503(struct outbuf *b)
{
	spop_value_int32(b, 503);
}

static void write_unsigned(struct outbuf *b)
{
	spop_value_uint32(b, UINT32_MAX);
}

/* HAProxy takes a string with any flag for binary, so the whole first byte counts. */
static void values_are_written_as_haproxy_reads_them(void **state)
{
	(void)state;
	static const struct {
		void (*write)(struct outbuf *b);
		struct sv bytes;
	} cases[] = {
		{write_string, SV("\x08\x02hi")},
		{write_true, SV("\x11")},
		{write_false, SV("\x01")},
		{write_minus_one, SV("\x02\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e")},
		{write_503, SV("\x02\xf7\x10")},
		{write_unsigned, SV("\x03\xff\xf0\xfe\xfe\x7e")},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		uint8_t room[16];
		for (size_t n = 0; n <= cases[i].bytes.n; n++) {
			struct outbuf b = outbuf_over(room, n);
			cases[i].write(&b);
			assert_int_equal(b.failed, n < cases[i].bytes.n);
			assert_true(b.n <= n);
			if (n == cases[i].bytes.n)
				assert_true(sv_eq(outbuf_sv(&b), cases[i].bytes));
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(numbers_are_written_and_read_by_their_bytes),
		cmocka_unit_test(a_number_that_ends_early_fails),
		cmocka_unit_test(a_number_past_64_bits_fails),
		cmocka_unit_test(every_size_of_number_comes_back),
		cmocka_unit_test(texts_do_not_reach_past_the_end),
		cmocka_unit_test(every_type_is_read),
		cmocka_unit_test(a_value_that_ends_early_is_none),
		cmocka_unit_test(what_is_no_value_fails),
		cmocka_unit_test(values_are_written_as_haproxy_reads_them),
	};
	return cmocka_run_group_tests_name("spop/value", tests, NULL, NULL);
}
