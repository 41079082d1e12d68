/* Whole conversations with HAProxy: what is heard and said, however the bytes are cut. */
#include "peer.h"
#include "spop/disconnect.h"
#include "spop/session.h"

enum { OWN_FRAME_SIZE = 1024, EVENTS_MAX = 128 };

static struct peer p;

/* What came of the peer's bytes: the events, the last of which says why it stopped, and what we said. */
struct heard {
	struct spop_session session;
	enum spop_event events[EVENTS_MAX];
	uint64_t stream_ids[EVENTS_MAX]; /* of SPOP_NOTIFIED */
	size_t n, n_left;
	uint8_t room[4096];
	struct outbuf out;
};

static bool goes_on(enum spop_event event)
{
	return event == SPOP_GREETED || event == SPOP_NOTIFIED;
}

/* One turn as a connection takes it: all whole frames of what is there. */
static void turn(struct heard *h, struct sv *bytes)
{
	enum spop_event event;
	do {
		struct spop_frame frame = {.payload = SV("untouched")};
		assert_true(h->n < EVENTS_MAX);
		event = spop_session_next(&h->session, bytes, &h->out, &frame);
		if (event == SPOP_NOTIFIED)
			h->stream_ids[h->n] = frame.stream_id;
		else
			assert_true(sv_eq(frame.payload, SVL("untouched")));
		if (event != SPOP_MORE)
			h->events[h->n++] = event;
	} while (goes_on(event));
}

static void heard_init(struct heard *h)
{
	spop_session_init(&h->session, OWN_FRAME_SIZE);
	h->out = outbuf_over(h->room, sizeof(h->room));
	h->n = 0;
}

/* Bytes come in pieces of n; what is left of a turn stands before the next piece. */
static void hear(struct heard *h, struct sv bytes, size_t n)
{
	size_t consumed = 0;
	for (size_t received = 0; received < bytes.n;) {
		received += MIN_OF(n, bytes.n - received);
		struct sv piece = exact((struct sv){bytes.at + consumed, received - consumed});
		struct sv rest = piece;
		turn(h, &rest);
		consumed = received - rest.n;
		exact_free(piece);
	}
	h->n_left = bytes.n - consumed;
}

static void hear_all(struct heard *h, struct sv bytes)
{
	heard_init(h);
	hear(h, bytes, bytes.n);
}

static void assert_goodbye(struct sv *said, enum spop_status status)
{
	struct spop_disconnect bye;
	struct spop_frame frame = heard_frame(said, SPOP_AGENT_DISCONNECT);
	assert_true(spop_disconnect_decode(frame.payload, &bye));
	assert_int_equal(bye.status, status);
}

static void assert_hello(struct sv *said, uint32_t max_frame_size)
{
	struct spop_frame frame = heard_frame(said, SPOP_AGENT_HELLO);
	struct cursor c = cursor_over(frame.payload);
	while (cursor_left(&c)) {
		struct sv key = spop_text_read(&c);
		struct spop_value value = spop_value_read(&c);
		if (sv_eq(key, SVL("max-frame-size")))
			assert_int_equal(value.number, max_frame_size);
	}
	assert_false(c.failed);
}

static void a_handshake_agrees_on_the_smaller_frame(void **state)
{
	(void)state;
	static const uint32_t offers[][2] = {{16380, OWN_FRAME_SIZE},
	                                     {OWN_FRAME_SIZE, OWN_FRAME_SIZE},
	                                     {OWN_FRAME_SIZE - 1, OWN_FRAME_SIZE - 1},
	                                     {SPOP_FRAME_SIZE_MIN, SPOP_FRAME_SIZE_MIN},
	                                     {UINT32_MAX, OWN_FRAME_SIZE}};
	for (size_t i = 0; i < ARRAY_LEN(offers); i++) {
		struct heard h;
		peer_init(&p);
		peer_hello(&p, offers[i][0], false);
		hear_all(&h, peer_bytes(&p));
		struct sv said = outbuf_sv(&h.out);
		assert_true(h.n == 1 && h.events[0] == SPOP_GREETED && h.n_left == 0);
		assert_int_equal(h.session.state, SPOP_READY);
		assert_int_equal(h.session.max_frame_size, offers[i][1]);
		assert_hello(&said, offers[i][1]);
		assert_int_equal(said.n, 0);
	}
}

static void no_session_follows_a_health_check(void **state)
{
	(void)state;
	struct heard h;
	peer_init(&p);
	peer_hello(&p, 16380, true);
	size_t n_hello = p.out.n;
	peer_notify(&p, 1, 1, "/");
	hear_all(&h, peer_bytes(&p));
	struct sv said = outbuf_sv(&h.out);
	assert_true(h.n == 1 && h.events[0] == SPOP_CHECKED);
	assert_int_equal(h.session.state, SPOP_CLOSED);
	assert_int_equal(h.n_left, p.out.n - n_hello);
	assert_hello(&said, OWN_FRAME_SIZE);
	assert_int_equal(said.n, 0);
}

/* Whoever drains is to be taken out of the servers: the check fails, sessions that come all the same are served. */
static void a_health_check_of_the_draining_is_a_goodbye(void **state)
{
	(void)state;
	for (unsigned check = 0; check < 2; check++) {
		struct heard h;
		peer_init(&p);
		peer_hello(&p, 16380, check);
		heard_init(&h);
		h.session.draining = true;
		hear(&h, peer_bytes(&p), p.out.n);
		struct sv said = outbuf_sv(&h.out);
		assert_int_equal(h.n, 1);
		assert_int_equal(h.events[0], check ? SPOP_CHECKED : SPOP_GREETED);
		assert_int_equal(h.session.state, check ? SPOP_CLOSED : SPOP_READY);
		if (check)
			assert_goodbye(&said, SPOP_STATUS_NORMAL);
		else
			assert_hello(&said, OWN_FRAME_SIZE);
		assert_int_equal(said.n, 0);
	}
}

static void say_a_whole_session(void)
{
	peer_init(&p);
	peer_hello(&p, 16380, false);
	for (unsigned i = 0; i < 20; i++)
		peer_notify(&p, 2 * i + 1, 1, i % 2 ? "/" : "/orders/17");
	peer_bye(&p, SPOP_STATUS_TIMEOUT);
}

static void assert_a_whole_session(const struct heard *h)
{
	assert_true(h->n == 22 && h->n_left == 0);
	assert_int_equal(h->events[0], SPOP_GREETED);
	for (unsigned i = 0; i < 20; i++) {
		assert_int_equal(h->events[1 + i], SPOP_NOTIFIED);
		assert_int_equal(h->stream_ids[1 + i], 2 * i + 1);
	}
	assert_int_equal(h->events[21], SPOP_GOODBYE);
	assert_int_equal(h->session.state, SPOP_CLOSED);
	assert_int_equal(h->session.status, SPOP_STATUS_TIMEOUT);
	struct sv said = outbuf_sv(&h->out);
	assert_hello(&said, OWN_FRAME_SIZE);
	assert_goodbye(&said, SPOP_STATUS_NORMAL);
	assert_int_equal(said.n, 0);
}

static void pieces_of_any_size_make_the_same_session(void **state)
{
	(void)state;
	say_a_whole_session();
	for (size_t n = 1; n <= p.out.n; n++) {
		struct heard h;
		heard_init(&h);
		hear(&h, peer_bytes(&p), n);
		assert_a_whole_session(&h);
	}
}

static void a_session_cut_in_two_anywhere_is_the_same(void **state)
{
	(void)state;
	say_a_whole_session();
	struct sv whole = peer_bytes(&p);
	for (size_t at = 1; at < whole.n; at++) {
		struct heard h;
		heard_init(&h);
		hear(&h, sv_first(whole, at), at);
		size_t consumed = at - h.n_left;
		hear(&h, sv_from(whole, consumed), whole.n - consumed);
		assert_a_whole_session(&h);
	}
}

/* Stream ids begin at 0 up to HAProxy 3.0. */
static void any_ids_are_good_for_a_question(void **state)
{
	(void)state;
	static const uint64_t ids[][2] = {{0, 1}, {0, 0}, {UINT64_MAX, UINT64_MAX}, {1, 0}};
	for (size_t i = 0; i < ARRAY_LEN(ids); i++) {
		struct heard h;
		peer_init(&p);
		peer_hello(&p, 16380, false);
		peer_notify(&p, ids[i][0], ids[i][1], "/");
		hear_all(&h, peer_bytes(&p));
		assert_true(h.n == 2 && h.events[1] == SPOP_NOTIFIED);
		assert_true(h.stream_ids[1] == ids[i][0]);
	}
}

struct break_case {
	const char *what;
	bool greeted; /* behind a handshake, else first of all */
	uint8_t type;
	uint32_t flags;
	uint64_t stream_id, frame_id;
	struct sv payload;
	enum spop_status status;
};

#define FIN SPOP_FLAG_FIN

static void who_breaks_the_protocol_is_told_how(void **state)
{
	(void)state;
	static const struct break_case cases[] = {
		{"a question before the hello", false, SPOP_NOTIFY, FIN, 1, 1, SV(""),
	         SPOP_STATUS_INVALID},
		{"a second hello", true, SPOP_HAPROXY_HELLO, FIN, 0, 0, SV(""),
	         SPOP_STATUS_INVALID},
		{"a hello of nothing", false, SPOP_HAPROXY_HELLO, FIN, 0, 0, SV(""),
	         SPOP_STATUS_NO_VERSION},
		{"a hello that is malformed", false, SPOP_HAPROXY_HELLO, FIN, 0, 0, SV("\xef"),
	         SPOP_STATUS_INVALID},
		{"a hello of a stream", false, SPOP_HAPROXY_HELLO, FIN, 1, 0, SV(""),
	         SPOP_STATUS_INVALID},
		{"a hello of a frame", false, SPOP_HAPROXY_HELLO, FIN, 0, 1, SV(""),
	         SPOP_STATUS_INVALID},
		{"a hello in parts", false, SPOP_HAPROXY_HELLO, 0, 0, 0, SV(""),
	         SPOP_STATUS_FRAGMENTED},
		{"a question in parts", true, SPOP_NOTIFY, 0, 1, 1, SV("x"),
	         SPOP_STATUS_FRAGMENTED},
		{"the rest of a question", true, SPOP_UNSET, FIN, 1, 1, SV("x"),
	         SPOP_STATUS_FRAGMENTED},
		{"a question that is given up", true, SPOP_UNSET, FIN | SPOP_FLAG_ABORT, 1, 1,
	         SV(""), SPOP_STATUS_FRAGMENTED},
		{"parts before the hello", false, SPOP_UNSET, 0, 0, 0, SV(""),
	         SPOP_STATUS_FRAGMENTED},
		{"a goodbye of a stream", true, SPOP_HAPROXY_DISCONNECT, FIN, 1, 0, SV(""),
	         SPOP_STATUS_INVALID},
		{"a goodbye that is malformed", true, SPOP_HAPROXY_DISCONNECT, FIN, 0, 0,
	         SV("\x01x\x0f"), SPOP_STATUS_INVALID},
		{"a type that is none", true, 4, FIN, 1, 1, SV(""), SPOP_STATUS_INVALID},
		{"a type that is none, first", false, 255, FIN, 0, 0, SV(""), SPOP_STATUS_INVALID},
		{"our hello", false, SPOP_AGENT_HELLO, FIN, 0, 0, SV(""), SPOP_STATUS_INVALID},
		{"our goodbye", true, SPOP_AGENT_DISCONNECT, FIN, 0, 0, SV(""),
	         SPOP_STATUS_INVALID},
		{"our answer", true, SPOP_ACK, FIN, 1, 1, SV(""), SPOP_STATUS_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const struct break_case *one = &cases[i];
		struct heard h;
		peer_init(&p);
		if (one->greeted)
			peer_hello(&p, 16380, false);
		peer_frame(&p, one->type, one->flags, one->stream_id, one->frame_id);
		outbuf_put(&p.out, one->payload);
		peer_end(&p);
		peer_notify(&p, 9, 9, "/never-heard");
		hear_all(&h, peer_bytes(&p));
		struct sv said = outbuf_sv(&h.out);
		print_message("%s\n", one->what);
		assert_int_equal(h.n, one->greeted ? 2 : 1);
		assert_int_equal(h.events[h.n - 1], SPOP_BROKEN);
		assert_int_equal(h.session.status, one->status);
		assert_int_equal(h.session.state, SPOP_CLOSED);
		assert_true(h.n_left > 0);
		if (one->greeted)
			assert_hello(&said, OWN_FRAME_SIZE);
		assert_goodbye(&said, one->status);
		assert_int_equal(said.n, 0);
	}
}

struct raw_case {
	const char *what;
	struct sv bytes;
	enum spop_event event;
	enum spop_status status;
};

static void what_cannot_be_a_frame_is_told(void **state)
{
	(void)state;
	static const struct raw_case cases[] = {
		{"the largest frame begins", SV("\x00\x00\x04\x00\x03"), SPOP_MORE, 0},
		{"one byte more than we take", SV("\x00\x00\x04\x01"), SPOP_BROKEN,
	         SPOP_STATUS_TOO_BIG},
		{"HTTP", SV("GET / HTTP/1.1\r\n"), SPOP_BROKEN, SPOP_STATUS_TOO_BIG},
		{"TLS", SV("\x16\x03\x01\x02\x00\x01"), SPOP_BROKEN, SPOP_STATUS_TOO_BIG},
		{"no bytes in it", SV("\0\0\0\0"), SPOP_BROKEN, SPOP_STATUS_INVALID},
		{"six bytes in it", SV("\0\0\0\x06\x03\0\0\0\x01\0"), SPOP_BROKEN,
	         SPOP_STATUS_INVALID},
		{"an id without an end", SV("\0\0\0\x07\x03\0\0\0\x01\xff\xff"), SPOP_BROKEN,
	         SPOP_STATUS_INVALID},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		for (unsigned greeted = 0; greeted < 2; greeted++) {
			struct heard h;
			peer_init(&p);
			if (greeted)
				peer_hello(&p, 16380, false);
			outbuf_put(&p.out, cases[i].bytes);
			hear_all(&h, peer_bytes(&p));
			print_message("%s, %u\n", cases[i].what, greeted);
			if (cases[i].event == SPOP_MORE) {
				assert_int_equal(h.n, greeted);
				assert_int_equal(h.n_left, cases[i].bytes.n);
				continue;
			}
			assert_int_equal(h.n, greeted + 1);
			assert_int_equal(h.events[greeted], SPOP_BROKEN);
			assert_int_equal(h.session.status, cases[i].status);
			struct sv said = outbuf_sv(&h.out);
			if (greeted)
				assert_hello(&said, OWN_FRAME_SIZE);
			assert_goodbye(&said, cases[i].status);
		}
	}
}

/* HAProxy before 3.1.7 sends frames up to its buffer, whatever was agreed. */
static void frames_up_to_our_own_size_are_taken_whatever_was_agreed(void **state)
{
	(void)state;
	static char path[OWN_FRAME_SIZE];
	struct heard h;
	memset(path, 'a', 900);
	peer_init(&p);
	peer_hello(&p, SPOP_FRAME_SIZE_MIN, false);
	peer_notify(&p, 1, 1, path);
	hear_all(&h, peer_bytes(&p));
	assert_int_equal(h.session.max_frame_size, SPOP_FRAME_SIZE_MIN);
	assert_true(h.n == 2 && h.events[1] == SPOP_NOTIFIED);
}

static void a_goodbye_is_answered_and_its_status_kept(void **state)
{
	(void)state;
	static const uint32_t codes[][2] = {
		{0, 0},   {1, 1},   {2, 2},   {3, 3},    {4, 4},           {5, 5},   {6, 6},
		{7, 7},   {8, 8},   {9, 9},   {10, 10},  {11, 11},         {12, 12}, {13, 13},
		{99, 99}, {14, 99}, {98, 99}, {100, 99}, {UINT32_MAX, 99},
	};
	for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
		for (unsigned greeted = 0; greeted < 2; greeted++) {
			struct heard h;
			peer_init(&p);
			if (greeted)
				peer_hello(&p, 16380, false);
			peer_bye(&p, codes[i][0]);
			peer_notify(&p, 1, 1, "/too-late");
			hear_all(&h, peer_bytes(&p));
			struct sv said = outbuf_sv(&h.out);
			assert_int_equal(h.n, greeted + 1);
			assert_int_equal(h.events[greeted], SPOP_GOODBYE);
			assert_int_equal(h.session.status, codes[i][1]);
			if (greeted)
				assert_hello(&said, OWN_FRAME_SIZE);
			assert_goodbye(&said, SPOP_STATUS_NORMAL);
			assert_true(said.n == 0 && h.n_left > 0);
		}
	}
}

static void our_goodbye_ends_the_session_once(void **state)
{
	(void)state;
	struct heard h;
	peer_init(&p);
	peer_hello(&p, 16380, false);
	size_t n_hello = p.out.n;
	hear_all(&h, peer_bytes(&p));
	spop_session_end(&h.session, SPOP_STATUS_TIMEOUT, &h.out);
	spop_session_end(&h.session, SPOP_STATUS_NORMAL, &h.out);
	assert_int_equal(h.session.status, SPOP_STATUS_TIMEOUT);
	peer_notify(&p, 1, 1, "/");
	hear(&h, sv_from(peer_bytes(&p), n_hello), p.out.n);
	struct sv said = outbuf_sv(&h.out);
	assert_int_equal(h.n, 1);
	assert_hello(&said, OWN_FRAME_SIZE);
	assert_goodbye(&said, SPOP_STATUS_TIMEOUT);
	assert_int_equal(said.n, 0);
}

/* A session that nobody has set up is closed. */
static void a_zeroed_session_hears_nothing(void **state)
{
	(void)state;
	struct spop_session s = {0};
	struct spop_frame frame;
	uint8_t room[SPOP_CONTROL_BYTES];
	struct outbuf out = outbuf_over(room, sizeof(room));
	peer_init(&p);
	peer_hello(&p, 16380, false);
	struct sv bytes = peer_bytes(&p);
	assert_int_equal(spop_session_next(&s, &bytes, &out, &frame), SPOP_MORE);
	assert_true(bytes.n == p.out.n && out.n == 0);
}

/* Every control frame fits the room that callers are told to leave. */
static void control_frames_fit_their_room(void **state)
{
	(void)state;
	for (unsigned status = 0; status <= SPOP_STATUS_UNKNOWN; status++) {
		uint8_t room[SPOP_CONTROL_BYTES];
		struct outbuf out = outbuf_over(room, sizeof(room));
		struct spop_session s;
		spop_session_init(&s, OWN_FRAME_SIZE);
		spop_session_end(&s, (enum spop_status)status, &out);
		assert_true(!out.failed && out.n >= SPOP_FRAME_MIN_BYTES);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_handshake_agrees_on_the_smaller_frame),
		cmocka_unit_test(no_session_follows_a_health_check),
		cmocka_unit_test(a_health_check_of_the_draining_is_a_goodbye),
		cmocka_unit_test(pieces_of_any_size_make_the_same_session),
		cmocka_unit_test(a_session_cut_in_two_anywhere_is_the_same),
		cmocka_unit_test(any_ids_are_good_for_a_question),
		cmocka_unit_test(who_breaks_the_protocol_is_told_how),
		cmocka_unit_test(what_cannot_be_a_frame_is_told),
		cmocka_unit_test(frames_up_to_our_own_size_are_taken_whatever_was_agreed),
		cmocka_unit_test(a_goodbye_is_answered_and_its_status_kept),
		cmocka_unit_test(our_goodbye_ends_the_session_once),
		cmocka_unit_test(a_zeroed_session_hears_nothing),
		cmocka_unit_test(control_frames_fit_their_room),
	};
	return cmocka_run_group_tests_name("spop/conversation", tests, NULL, NULL);
}
