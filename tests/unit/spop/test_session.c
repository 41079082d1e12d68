/* A connection from HELLO to goodbye, in any pieces, and each way to break it. */
#include "haproxy.h"
#include "spop/disconnect.h"
#include "spop/hello.h"
#include "spop/session.h"

#include <stdio.h>

enum { OWN = 16384, SMALLEST = SPOP_FRAME_SIZE_MIN };

/* One session and what it answered. */
struct desk {
	struct spop_session session;
	uint8_t answer[4096];
	struct outbuf out;
	struct spop_frame notify;
};

static void desk_init(struct desk *d)
{
	spop_session_init(&d->session, OWN);
	d->out = outbuf_over(d->answer, sizeof(d->answer));
}

static enum spop_event next(struct desk *d, struct sv *bytes)
{
	return spop_session_next(&d->session, bytes, &d->out, &d->notify);
}

/* The status of the goodbye that stands alone in the answer. */
static unsigned goodbye_status(const struct desk *d)
{
	struct sv bytes = outbuf_sv(&d->out);
	struct spop_frame frame = haproxy_read(&bytes);
	struct spop_disconnect bye;
	assert_int_equal(frame.type, SPOP_AGENT_DISCONNECT);
	assert_true(frame.stream_id == 0 && frame.frame_id == 0 && bytes.n == 0);
	assert_true(spop_disconnect_decode(frame.payload, &bye));
	assert_true(sv_eq(bye.message, sv_of(spop_status_text((enum spop_status)bye.status))));
	return bye.status;
}

static void greet(struct desk *d)
{
	static struct haproxy p;
	haproxy_init(&p);
	haproxy_hello(&p, false);
	struct sv bytes = haproxy_sent(&p);
	assert_int_equal(next(d, &bytes), SPOP_GREETED);
	assert_int_equal(bytes.n, 0);
	assert_int_equal(d->session.state, SPOP_READY);
	d->out.n = 0;
}

static void the_handshake_agrees_on_the_smaller_frame(void **state)
{
	static struct haproxy p;
	struct desk d;
	(void)state;
	desk_init(&d);
	haproxy_init(&p);
	haproxy_hello(&p, false);
	struct sv bytes = haproxy_sent(&p);
	assert_int_equal(next(&d, &bytes), SPOP_GREETED);
	assert_int_equal(d.session.max_frame_size, 16380);
	struct sv answer = outbuf_sv(&d.out);
	struct spop_frame hello = haproxy_read(&answer);
	assert_int_equal(hello.type, SPOP_AGENT_HELLO);
	assert_true(sv_eq(haproxy_item(hello.payload, "version").text, SVL("2.0")));
	assert_int_equal(haproxy_item(hello.payload, "max-frame-size").number, 16380);
	assert_true(sv_eq(haproxy_item(hello.payload, "capabilities").text, SVL("pipelining")));
	assert_int_equal(next(&d, &bytes), SPOP_MORE);
}

static void a_health_check_is_answered_and_over(void **state)
{
	static struct haproxy p;
	struct desk d;
	(void)state;
	desk_init(&d);
	haproxy_init(&p);
	haproxy_hello(&p, true);
	haproxy_notify(&p, 1, 1, "/"); /* nothing may follow */
	struct sv bytes = haproxy_sent(&p);
	assert_int_equal(next(&d, &bytes), SPOP_CHECKED);
	struct sv answer = outbuf_sv(&d.out);
	assert_int_equal(haproxy_read(&answer).type, SPOP_AGENT_HELLO);
	assert_int_equal(d.session.state, SPOP_CLOSED);
	assert_int_equal(next(&d, &bytes), SPOP_MORE);
}

static void a_draining_agent_fails_its_health_check(void **state)
{
	static struct haproxy p;
	struct desk d;
	(void)state;
	desk_init(&d);
	d.session.draining = true;
	haproxy_init(&p);
	haproxy_hello(&p, true);
	struct sv bytes = haproxy_sent(&p);
	assert_int_equal(next(&d, &bytes), SPOP_CHECKED);
	assert_int_equal(goodbye_status(&d), SPOP_STATUS_NORMAL);
}

static const struct {
	const char *what, *versions, *capabilities;
	uint32_t frame_size;
	enum spop_status status;
} hellos[] = {
	{"as usual", "2.0", "pipelining", 16380, SPOP_STATUS_NORMAL},
	{"nothing offered", "2.0", "", 16380, SPOP_STATUS_NORMAL},
	{"the smallest frame", "2.0", "", SMALLEST, SPOP_STATUS_NORMAL},
	{"a large frame", "2.0", "", UINT32_MAX, SPOP_STATUS_NORMAL},
	{"more versions", "1.0, 2.0 ,3.0", "", 16380, SPOP_STATUS_NORMAL},
	{"no version", NULL, "", 16380, SPOP_STATUS_NO_VERSION},
	{"an old version", "1.0", "", 16380, SPOP_STATUS_BAD_VERSION},
	{"a longer version", "2.01", "", 16380, SPOP_STATUS_BAD_VERSION},
	{"an empty version", "", "", 16380, SPOP_STATUS_BAD_VERSION},
	{"no frame size", "2.0", "", 0, SPOP_STATUS_NO_FRAME_SIZE},
	{"a tiny frame", "2.0", "", SMALLEST - 1, SPOP_STATUS_BAD_FRAME_SIZE},
	{"no capabilities", "2.0", NULL, 16380, SPOP_STATUS_NO_CAPABILITIES},
};

static void every_offer_is_taken_or_named(void **state)
{
	static struct haproxy p;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(hellos); i++) {
		struct desk d;
		desk_init(&d);
		haproxy_init(&p);
		size_t at = spop_frame_open(&p.out, SPOP_HAPROXY_HELLO, 0, 0);
		haproxy_hello_items(&p.out, hellos[i].versions, hellos[i].frame_size,
		                    hellos[i].capabilities);
		spop_frame_close(&p.out, at);
		struct sv bytes = haproxy_sent(&p);
		enum spop_event event = next(&d, &bytes);
		if (hellos[i].status == SPOP_STATUS_NORMAL) {
			assert_int_equal(event, SPOP_GREETED);
			assert_true(d.session.max_frame_size <= OWN);
			continue;
		}
		assert_int_equal(event, SPOP_BROKEN);
		assert_int_equal(goodbye_status(&d), hellos[i].status);
		assert_int_equal(d.session.status, hellos[i].status);
		assert_int_equal(d.session.state, SPOP_CLOSED);
	}
}

/* A key of the right name and the wrong type is as if it were not there. */
static void items_of_another_type_do_not_count(void **state)
{
	static struct haproxy p;
	struct desk d;
	(void)state;
	desk_init(&d);
	haproxy_init(&p);
	size_t at = spop_frame_open(&p.out, SPOP_HAPROXY_HELLO, 0, 0);
	haproxy_text(&p.out, "supported-versions", "2.0");
	haproxy_text(&p.out, "max-frame-size", "16380");
	haproxy_text(&p.out, "capabilities", "");
	spop_frame_close(&p.out, at);
	struct sv bytes = haproxy_sent(&p);
	assert_int_equal(next(&d, &bytes), SPOP_BROKEN);
	assert_int_equal(goodbye_status(&d), SPOP_STATUS_NO_FRAME_SIZE);
}

/* Fifty questions in one read, and the same bytes one at a time. */
static void frames_come_in_any_pieces(void **state)
{
	static struct haproxy p;
	struct desk d;
	char path[32];
	enum { N = 50 };
	(void)state;
	desk_init(&d);
	greet(&d);
	haproxy_init(&p);
	for (unsigned i = 0; i < N; i++) {
		snprintf(path, sizeof(path), "/orders/%u", i);
		haproxy_notify(&p, i + 1, 300 + i, path);
	}
	struct sv all = haproxy_sent(&p);
	for (size_t step = 1; step <= all.n; step = step < 400 ? step * 3 : all.n + 1) {
		size_t have = 0, consumed = 0;
		unsigned n_seen = 0;
		while (have < all.n) {
			have = have + step < all.n ? have + step : all.n;
			struct sv bytes = {all.at + consumed, have - consumed};
			while (next(&d, &bytes) == SPOP_NOTIFIED) {
				assert_int_equal(d.notify.stream_id, n_seen + 1);
				assert_int_equal(d.notify.frame_id, 300 + n_seen);
				n_seen++;
			}
			consumed = have - bytes.n;
		}
		assert_int_equal(n_seen, N);
		assert_int_equal(consumed, all.n);
		assert_int_equal(d.out.n, 0);
	}
}

static void goodbyes_of_every_status_are_returned(void **state)
{
	(void)state;
	for (uint32_t status = 0; status < 120; status++) {
		static struct haproxy p;
		struct desk d;
		desk_init(&d);
		greet(&d);
		haproxy_init(&p);
		haproxy_goodbye(&p, status);
		struct sv bytes = haproxy_sent(&p);
		assert_int_equal(next(&d, &bytes), SPOP_GOODBYE);
		assert_int_equal(goodbye_status(&d), SPOP_STATUS_NORMAL);
		assert_int_equal(d.session.status,
		                 status <= SPOP_STATUS_RESOURCE ? status : SPOP_STATUS_UNKNOWN);
		assert_int_equal(next(&d, &bytes), SPOP_MORE);
	}
}

static void our_own_goodbye_fits_its_room(void **state)
{
	static const enum spop_status all[] = {SPOP_STATUS_NORMAL,     SPOP_STATUS_IO,
	                                       SPOP_STATUS_TIMEOUT,    SPOP_STATUS_TOO_BIG,
	                                       SPOP_STATUS_INVALID,    SPOP_STATUS_NO_VERSION,
	                                       SPOP_STATUS_FRAGMENTED, SPOP_STATUS_INTERLACED,
	                                       SPOP_STATUS_RESOURCE,   SPOP_STATUS_UNKNOWN};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct desk d;
		desk_init(&d);
		greet(&d);
		d.out = outbuf_over(d.answer, SPOP_CONTROL_BYTES);
		spop_session_end(&d.session, all[i], &d.out);
		assert_false(d.out.failed);
		assert_int_equal(goodbye_status(&d), all[i]);
		assert_int_equal(d.session.state, SPOP_CLOSED);
	}
}

/* Bytes after or instead of a HELLO that no HAProxy would send. */
static const struct {
	const char *what;
	bool greeted;
	enum spop_frame_type type;
	uint32_t flags;
	uint64_t stream_id;
	enum spop_status status;
} broken[] = {
	{"a question before HELLO", false, SPOP_NOTIFY, SPOP_FLAG_FIN, 1, SPOP_STATUS_INVALID},
	{"HELLO twice", true, SPOP_HAPROXY_HELLO, SPOP_FLAG_FIN, 0, SPOP_STATUS_INVALID},
	{"HELLO of a stream", false, SPOP_HAPROXY_HELLO, SPOP_FLAG_FIN, 1, SPOP_STATUS_INVALID},
	{"goodbye of a stream", true, SPOP_HAPROXY_DISCONNECT, SPOP_FLAG_FIN, 1,
         SPOP_STATUS_INVALID},
	{"a fragment", true, SPOP_NOTIFY, 0, 1, SPOP_STATUS_FRAGMENTED},
	{"a continuation", true, SPOP_UNSET, SPOP_FLAG_FIN, 1, SPOP_STATUS_FRAGMENTED},
	{"an abort", true, SPOP_UNSET, SPOP_FLAG_FIN | SPOP_FLAG_ABORT, 1, SPOP_STATUS_FRAGMENTED},
	{"an agent's HELLO", false, SPOP_AGENT_HELLO, SPOP_FLAG_FIN, 0, SPOP_STATUS_INVALID},
	{"an ACK", true, SPOP_ACK, SPOP_FLAG_FIN, 1, SPOP_STATUS_INVALID},
	{"a type of no name", true, (enum spop_frame_type)77, SPOP_FLAG_FIN, 1,
         SPOP_STATUS_INVALID},
};

static void each_break_is_named(void **state)
{
	static struct haproxy p;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		struct desk d;
		desk_init(&d);
		if (broken[i].greeted)
			greet(&d);
		haproxy_init(&p);
		size_t at = spop_frame_open(&p.out, broken[i].type, broken[i].stream_id, 0);
		if (broken[i].type == SPOP_HAPROXY_HELLO)
			haproxy_hello_items(&p.out, "2.0", 16380, "");
		spop_frame_close(&p.out, at);
		p.bytes[8] = (uint8_t)broken[i].flags; /* the last byte of the flags */
		struct sv bytes = haproxy_sent(&p);
		assert_int_equal(next(&d, &bytes), SPOP_BROKEN);
		if (goodbye_status(&d) != broken[i].status)
			print_error("%s\n", broken[i].what);
		assert_int_equal(goodbye_status(&d), broken[i].status);
		assert_int_equal(next(&d, &bytes), SPOP_MORE); /* it is over */
	}
}

static void sizes_that_no_frame_has(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		enum spop_status status;
	} rows[] = {
		{"\x00\x00\x40\x01", 4, SPOP_STATUS_TOO_BIG}, /* one above OWN, judged at once */
		{"\xff\xff\xff\xff", 4, SPOP_STATUS_TOO_BIG},
		{"GET / HTTP/1.1\r\n", 16, SPOP_STATUS_TOO_BIG},
		{"\x00\x00\x00\x00", 4, SPOP_STATUS_INVALID},
		{"\x00\x00\x00\x06\x03\x00\x00\x00\x01\x01", 10, SPOP_STATUS_INVALID},
		{"\x00\x00\x00\x07\x03\x00\x00\x00\x01\xff\xff", 11, SPOP_STATUS_INVALID},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct desk d;
		desk_init(&d);
		greet(&d);
		struct sv bytes = {rows[i].bytes, rows[i].n};
		assert_int_equal(next(&d, &bytes), SPOP_BROKEN);
		assert_int_equal(goodbye_status(&d), rows[i].status);
	}
}

/* HELLO and DISCONNECT cut off at each byte, with the length made to fit. */
static void truncated_payloads_are_invalid(void **state)
{
	static struct haproxy p;
	(void)state;
	for (int kind = 0; kind < 2; kind++) {
		haproxy_init(&p);
		if (kind)
			haproxy_goodbye(&p, 0);
		else
			haproxy_hello(&p, false);
		size_t whole = p.out.n;
		unsigned n_broken = 0;
		for (size_t n = whole - 1; n >= SPOP_LENGTH_BYTES + SPOP_FRAME_MIN_BYTES; n--) {
			struct desk d;
			desk_init(&d);
			if (kind)
				greet(&d);
			p.bytes[2] = (uint8_t)((n - SPOP_LENGTH_BYTES) >> 8);
			p.bytes[3] = (uint8_t)(n - SPOP_LENGTH_BYTES);
			struct sv bytes = {(char *)p.bytes, n};
			enum spop_event event = next(&d, &bytes);
			n_broken += event == SPOP_BROKEN;
			assert_true(event == SPOP_BROKEN || event == SPOP_GOODBYE ||
			            event == SPOP_GREETED);
		}
		assert_true(n_broken + 6 > whole - SPOP_LENGTH_BYTES - SPOP_FRAME_MIN_BYTES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(the_handshake_agrees_on_the_smaller_frame),
		cmocka_unit_test(a_health_check_is_answered_and_over),
		cmocka_unit_test(a_draining_agent_fails_its_health_check),
		cmocka_unit_test(every_offer_is_taken_or_named),
		cmocka_unit_test(items_of_another_type_do_not_count),
		cmocka_unit_test(frames_come_in_any_pieces),
		cmocka_unit_test(goodbyes_of_every_status_are_returned),
		cmocka_unit_test(our_own_goodbye_fits_its_room),
		cmocka_unit_test(each_break_is_named),
		cmocka_unit_test(sizes_that_no_frame_has),
		cmocka_unit_test(truncated_payloads_are_invalid),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
