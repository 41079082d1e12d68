#include "peer.h"

/* A NOTIFY of stream 3, frame 1, with two bytes of payload. */
static const struct sv good = SV("\x00\x00\x00\x09\x03\x00\x00\x00\x01\x03\x01"
                                 "ab");

static void one_frame_is_taken_off_the_front(void **state)
{
	(void)state;
	struct sv bytes = exact(good), rest = bytes;
	struct spop_frame frame;
	assert_int_equal(spop_frame_cut(&rest, 9, &frame), SPOP_CUT_FRAME);
	assert_int_equal(frame.type, SPOP_NOTIFY);
	assert_int_equal(frame.flags, SPOP_FLAG_FIN);
	assert_true(frame.stream_id == 3 && frame.frame_id == 1);
	assert_true(sv_eq(frame.payload, SVL("ab")));
	assert_true(frame.payload.at == bytes.at + 11);
	assert_int_equal(rest.n, 0);
	exact_free(bytes);
}

static void a_part_of_a_frame_waits_for_more(void **state)
{
	(void)state;
	for (size_t n = 0; n < good.n; n++) {
		struct sv bytes = exact(sv_first(good, n)), rest = bytes;
		struct spop_frame frame = {.type = 77};
		assert_int_equal(spop_frame_cut(&rest, 9, &frame), SPOP_CUT_MORE);
		assert_true(rest.at == bytes.at && rest.n == n && frame.type == 77);
		exact_free(bytes);
	}
}

static void frames_come_one_by_one(void **state)
{
	(void)state;
	static struct peer p;
	struct spop_frame frame;
	peer_init(&p);
	for (unsigned i = 0; i < 100; i++)
		peer_notify(&p, i * 1000003ULL, i, "/");
	struct sv rest = peer_bytes(&p);
	for (unsigned i = 0; i < 100; i++) {
		assert_int_equal(spop_frame_cut(&rest, 100, &frame), SPOP_CUT_FRAME);
		assert_true(frame.stream_id == i * 1000003ULL && frame.frame_id == i);
	}
	assert_int_equal(spop_frame_cut(&rest, 100, &frame), SPOP_CUT_MORE);
}

struct cut_case {
	const char *what;
	struct sv bytes;
	size_t max;
	enum spop_cut cut;
};

static void a_frame_has_its_limits(void **state)
{
	(void)state;
	static const struct cut_case cases[] = {
		{"nothing", SV("\0\0\0\0"), 100, SPOP_CUT_INVALID},
		{"six bytes", SV("\0\0\0\x06\x03\0\0\0\x01\x00"), 100, SPOP_CUT_INVALID},
		{"six bytes to come", SV("\0\0\0\x06"), 100, SPOP_CUT_INVALID},
		{"seven", SV("\0\0\0\x07\x03\0\0\0\x01\x00\x00"), 100, SPOP_CUT_FRAME},
		{"at the limit", SV("\0\0\0\x07\x03\0\0\0\x01\x00\x00"), 7, SPOP_CUT_FRAME},
		{"past the limit", SV("\0\0\0\x08\x03\0\0\0\x01\x00\x00\x00"), 7, SPOP_CUT_TOO_BIG},
		{"refused before it is whole", SV("\0\0\0\x08"), 7, SPOP_CUT_TOO_BIG},
		{"4 GiB", SV("\xff\xff\xff\xff\x03"), SPOP_FRAME_SIZE_MAX, SPOP_CUT_TOO_BIG},
		{"HTTP", SV("GET / HTTP/1.1\r\n\r\n"), SPOP_FRAME_SIZE_MAX, SPOP_CUT_TOO_BIG},
		{"no frame id", SV("\0\0\0\x07\x03\0\0\0\x01\xff\x00"), 100, SPOP_CUT_INVALID},
		{"a stream id past the end", SV("\0\0\0\x07\x03\0\0\0\x01\xf0\x80"), 100,
	         SPOP_CUT_INVALID},
		{"a stream id into the next frame", SV("\0\0\0\x07\x03\0\0\0\x01\xf0\x80\x00\x00"),
	         100, SPOP_CUT_INVALID},
		{"a stream id past 64 bits",
	         SV("\0\0\0\x10\x03\0\0\0\x01\xff\xff\xff\xff\xff\xff\xff\xff\xff\x7f\x00"), 100,
	         SPOP_CUT_INVALID},
		{"the largest ids",
	         SV("\0\0\0\x19\x03\0\0\0\x01\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"
	            "\xff\xf0\xfe\xfe\xfe\xfe\xfe\xfe\xfe\x0e"),
	         100, SPOP_CUT_FRAME},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sv bytes = exact(cases[i].bytes), rest = bytes;
		struct spop_frame frame = {.type = 77};
		print_message("%s\n", cases[i].what);
		assert_int_equal(spop_frame_cut(&rest, cases[i].max, &frame), cases[i].cut);
		bool taken = cases[i].cut == SPOP_CUT_FRAME;
		assert_int_equal(rest.n, taken ? 0 : bytes.n);
		assert_int_equal(frame.type, taken ? SPOP_NOTIFY : 77);
		exact_free(bytes);
	}
}

static void a_frame_is_closed_with_its_length(void **state)
{
	(void)state;
	uint8_t room[64];
	struct outbuf b = outbuf_over(room, sizeof(room));
	size_t at = spop_frame_open(&b, SPOP_NOTIFY, 3, 1);
	outbuf_put(&b, SVL("ab"));
	spop_frame_close(&b, at);
	assert_true(!b.failed && sv_eq(outbuf_sv(&b), good));
}

/* HAProxy up to 3.0 spins on a short frame: nothing of one may be sent. */
static void a_frame_that_does_not_fit_is_taken_back(void **state)
{
	(void)state;
	for (size_t room_left = 0; room_left < good.n; room_left++) {
		uint8_t room[64];
		struct outbuf b = outbuf_over(room, 5 + room_left);
		outbuf_put(&b, SVL("first"));
		size_t at = spop_frame_open(&b, SPOP_NOTIFY, 3, 1);
		outbuf_put(&b, SVL("ab"));
		spop_frame_close(&b, at);
		assert_true(b.failed && sv_eq(outbuf_sv(&b), SVL("first")));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_frame_is_taken_off_the_front),
		cmocka_unit_test(a_part_of_a_frame_waits_for_more),
		cmocka_unit_test(frames_come_one_by_one),
		cmocka_unit_test(a_frame_has_its_limits),
		cmocka_unit_test(a_frame_is_closed_with_its_length),
		cmocka_unit_test(a_frame_that_does_not_fit_is_taken_back),
	};
	return cmocka_run_group_tests_name("spop/frame", tests, NULL, NULL);
}
