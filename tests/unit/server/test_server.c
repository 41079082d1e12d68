/* The server as HAProxy meets it: any number of connections, in any pieces, while policies change and until the
 * last answer before it stops. Under ThreadSanitizer as well. */
#include "rig.h"

#include <fcntl.h>
#include <stdatomic.h>

static const struct rig_options usual = {.n_workers = 2};

static struct rig rig;

static int end_rig(void **state)
{
	(void)state;
	rig_end(&rig);
	return 0;
}

static void pipelined_questions_are_all_answered_and_recorded(void **state)
{
	enum { N = 500 };
	static struct caller c;
	static uint8_t room[N * 128];
	struct outbuf b = outbuf_over(room, sizeof(room));
	static bool seen[N + 1];
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	for (unsigned i = 1; i <= N; i++)
		put_question(&b, i, i % 3 ? "/open" : "/closed");
	assert_false(b.failed);
	caller_send(&c, outbuf_sv(&b));
	for (unsigned i = 1; i <= N; i++) {
		struct spop_frame ack;
		assert_true(caller_read(&c, &ack));
		assert_true(ack.stream_id >= 1 && ack.stream_id <= N && !seen[ack.stream_id]);
		seen[ack.stream_id] = true;
		assert_int_equal(answer_allows(&ack), ack.stream_id % 3 != 0);
		assert_true(answer_var(&ack, "event").text.n > 0);
	}
	caller_close(&c);
	assert_int_equal(rig_n_records(&rig), N);
}

static void one_byte_at_a_time(void **state)
{
	static struct caller c;
	uint8_t room[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	struct spop_frame frame;
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&c, &rig);
	(void)hello_bytes(&b, false);
	put_question(&b, 1, "/open");
	for (size_t i = 0; i < b.n; i++)
		caller_send(&c, (struct sv){(char *)room + i, 1});
	assert_true(caller_read(&c, &frame) && frame.type == SPOP_AGENT_HELLO);
	assert_true(caller_read(&c, &frame) && answer_allows(&frame));
	caller_close(&c);
}

static void unix_socket_and_health_check(void **state)
{
	static struct caller c;
	struct spop_frame frame;
	(void)state;
	rig_start(&rig, &usual);
	caller_open_at(&c, rig.unix_path);
	caller_greet(&c, true);
	assert_false(caller_read(&c, &frame)); /* answered, then closed */
	caller_close(&c);
	caller_open_at(&c, rig.unix_path);
	caller_greet(&c, false);
	caller_ask(&c, 9, "/closed");
	assert_true(caller_read(&c, &frame) && !answer_allows(&frame));
	assert_int_equal(frame.stream_id, 9);
	caller_close(&c);
}

static void who_breaks_the_protocol_is_told_and_closed(void **state)
{
	static const struct {
		const char *bytes;
		size_t n;
		int64_t status;
	} rows[] = {
		{"GET / HTTP/1.1\r\n\r\n", 18, SPOP_STATUS_TOO_BIG},
		{"\x00\x00\x00\x03\x01\x02\x03", 7, SPOP_STATUS_INVALID},
		{"\x00\x00\x00\x08\x03\x00\x00\x00\x00\x01\x01\x00", 12, SPOP_STATUS_FRAGMENTED},
	};
	(void)state;
	rig_start(&rig, &usual);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		static struct caller c;
		caller_open(&c, &rig);
		caller_greet(&c, false);
		caller_send(&c, (struct sv){rows[i].bytes, rows[i].n});
		assert_int_equal(caller_goodbye(&c), rows[i].status);
		caller_close(&c);
	}
	static struct caller c; /* and the next is served as if nothing had been */
	struct spop_frame frame;
	caller_open(&c, &rig);
	caller_greet(&c, false);
	caller_ask(&c, 1, "/open");
	assert_true(caller_read(&c, &frame) && answer_allows(&frame));
	caller_close(&c);
}

static void who_leaves_in_the_middle_takes_nobody_along(void **state)
{
	static struct caller c;
	struct spop_frame frame;
	(void)state;
	rig_start(&rig, &usual);
	for (unsigned i = 0; i < 50; i++) {
		uint8_t room[512];
		struct outbuf b = outbuf_over(room, sizeof(room));
		caller_open(&c, &rig);
		(void)hello_bytes(&b, false);
		put_question(&b, 1, "/open");
		caller_send(&c, (struct sv){(char *)room, 1 + b.n * i / 50});
		caller_close(&c);
	}
	caller_open(&c, &rig);
	caller_greet(&c, false);
	caller_ask(&c, 1, "/open");
	assert_true(caller_read(&c, &frame) && answer_allows(&frame));
	caller_close(&c);
}

/* A peer that asks and does not read is not heard after a while; what it asked is answered once it reads. */
static void who_does_not_read_is_not_heard(void **state)
{
	static struct caller deaf, other;
	uint8_t room[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	struct spop_frame frame;
	const struct rig_options one = {.n_workers = 1, .ring_bytes = 16 << 20};
	unsigned n_asked = 0;
	size_t n_sent = 0;
	(void)state;
	rig_start(&rig, &one);
	caller_open(&deaf, &rig);
	caller_greet(&deaf, false);
	put_question(&b, 1, "/open");
	assert_int_equal(fcntl(deaf.fd, F_SETFL, O_NONBLOCK), 0);
	for (;;) { /* until both sockets' buffers and the server's are full */
		ssize_t n = send(deaf.fd, room + n_sent, b.n - n_sent, MSG_NOSIGNAL);
		if (n < 0) {
			struct pollfd quiet = {.fd = deaf.fd, .events = POLLOUT};
			assert_int_equal(errno, EAGAIN);
			if (poll(&quiet, 1, 500) == 0)
				break;
			continue;
		}
		n_sent += (size_t)n;
		if (n_sent == b.n) {
			n_sent = 0;
			n_asked++;
		}
		assert_true(n_asked < 1000000);
	}
	caller_open(&other, &rig); /* the same worker: there is one */
	caller_greet(&other, false);
	caller_ask(&other, 7, "/open");
	assert_true(caller_read(&other, &frame) && answer_allows(&frame));
	assert_int_equal(fcntl(deaf.fd, F_SETFL, 0), 0);
	for (unsigned i = 0; i < n_asked; i++)
		assert_true(caller_read(&deaf, &frame) && answer_allows(&frame));
	caller_close(&deaf);
	caller_close(&other);
}

static void who_says_nothing_is_let_go(void **state)
{
	static struct caller c;
	struct spop_frame frame;
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&c, &rig);
	assert_true(caller_read(&c, &frame)); /* after two seconds */
	assert_int_equal(frame.type, SPOP_AGENT_DISCONNECT);
	assert_false(caller_read(&c, &frame));
	caller_close(&c);
}

static void no_more_connections_than_allowed(void **state)
{
	static struct caller c[4];
	struct spop_frame frame;
	const struct rig_options three = {.n_workers = 2, .max_connections = 3};
	(void)state;
	rig_start(&rig, &three);
	for (int i = 0; i < 3; i++) {
		caller_open(&c[i], &rig);
		caller_greet(&c[i], false);
	}
	caller_open(&c[3], &rig);
	assert_false(caller_read(&c[3], &frame));
	caller_close(&c[3]);
	for (int i = 0; i < 3; i++) {
		caller_ask(&c[i], 1, "/open");
		assert_true(caller_read(&c[i], &frame) && answer_allows(&frame));
		caller_close(&c[i]);
	}
}

/* ---- while policies change ---- */

enum { N_CALLERS = 4, N_QUESTIONS = 400, N_VERSIONS = 40 };

struct crowd {
	atomic_uint n_allowed, n_denied;
	atomic_bool done;
};

/* /v2 is allowed by one version alone: either answer is right, but /open is always and /closed never. */
static void *ask_on(void *arg)
{
	struct crowd *crowd = arg;
	struct caller *c = calloc(1, sizeof(*c));
	assert_non_null(c);
	caller_open(c, &rig);
	caller_greet(c, false);
	for (unsigned i = 0; i < N_QUESTIONS; i += 4) {
		static const char *const paths[] = {"/open", "/closed", "/v2", "/open"};
		for (unsigned k = 0; k < 4; k++)
			caller_ask(c, k + 1, paths[k]);
		for (unsigned k = 0; k < 4; k++) {
			struct spop_frame ack;
			assert_true(caller_read(c, &ack));
			bool allowed = answer_allows(&ack);
			if (ack.stream_id != 3)
				assert_int_equal(allowed, ack.stream_id != 2);
			atomic_fetch_add(allowed ? &crowd->n_allowed : &crowd->n_denied, 1);
		}
	}
	caller_close(c);
	free(c);
	return NULL;
}

static void *publish_on(void *arg)
{
	struct crowd *crowd = arg;
	for (uint64_t version = 2; !atomic_load(&crowd->done) && version < N_VERSIONS; version++) {
		policy_slot_publish(rig.slot, rig_policy(version));
		server_wake(rig.server);
		usleep(2000);
	}
	return NULL;
}

static void callers_and_publishers_at_once(void **state)
{
	struct crowd crowd = {0};
	pthread_t callers[N_CALLERS], publisher;
	const struct rig_options three = {.n_workers = 3};
	uint64_t n_counted = 0;
	(void)state;
	rig_start(&rig, &three);
	assert_int_equal(pthread_create(&publisher, NULL, publish_on, &crowd), 0);
	for (int i = 0; i < N_CALLERS; i++)
		assert_int_equal(pthread_create(&callers[i], NULL, ask_on, &crowd), 0);
	for (int i = 0; i < N_CALLERS; i++)
		assert_int_equal(pthread_join(callers[i], NULL), 0);
	atomic_store(&crowd.done, true);
	assert_int_equal(pthread_join(publisher, NULL), 0);
	assert_int_equal(atomic_load(&crowd.n_allowed) + atomic_load(&crowd.n_denied),
	                 N_CALLERS * N_QUESTIONS);
	assert_true(atomic_load(&crowd.n_allowed) >= N_CALLERS * N_QUESTIONS / 2);
	assert_int_equal(rig_n_records(&rig), N_CALLERS * N_QUESTIONS);
	for (size_t i = 0; i < server_n_workers(rig.server); i++) {
		const struct worker_counters *w = server_worker(rig.server, i);
		n_counted += atomic_load(&w->n_verdicts[VERDICT_ALLOW]) +
		             atomic_load(&w->n_verdicts[VERDICT_DENY]);
	}
	assert_int_equal(n_counted, N_CALLERS * N_QUESTIONS);
}

/* ---- the end ---- */

static void *stop_rig(void *arg)
{
	(void)arg;
	usleep(20000);
	rig_stop(&rig);
	return NULL;
}

static void what_was_asked_before_the_end_is_answered(void **state)
{
	enum { N = 2000 };
	static struct caller c;
	static uint8_t room[N * 96];
	struct outbuf b = outbuf_over(room, sizeof(room));
	struct spop_frame frame;
	pthread_t stopper;
	unsigned n_answered = 0;
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	for (unsigned i = 1; i <= N; i++)
		put_question(&b, i, "/open");
	assert_false(b.failed);
	assert_int_equal(pthread_create(&stopper, NULL, stop_rig, NULL), 0);
	caller_send(&c, outbuf_sv(&b));
	while (caller_read(&c, &frame) && frame.type == SPOP_ACK)
		n_answered += answer_allows(&frame);
	assert_int_equal(n_answered, N);
	assert_int_equal(frame.type, SPOP_AGENT_DISCONNECT);
	assert_int_equal(pthread_join(stopper, NULL), 0);
	caller_close(&c);
	assert_int_equal(rig_n_records(&rig), N);
}

/* ---- no audit, no access ---- */

static void a_full_journal_refuses_and_recovers(void **state)
{
	static struct caller c;
	struct spop_frame frame;
	const struct rig_options small = {.n_workers = 1, .ring_bytes = 64 << 10};
	unsigned n_allowed = 0;
	(void)state;
	rig_start(&rig, &small);
	rig_limit_files(32 << 10);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	for (;;) {
		caller_ask(&c, 1, "/open");
		assert_true(caller_read(&c, &frame));
		if (!answer_allows(&frame))
			break;
		assert_true(++n_allowed < 100000);
	}
	assert_true(n_allowed > 10);
	assert_true(sv_eq(answer_var(&frame, "reason").text, SVL("audit_unavailable")));
	assert_int_equal(answer_var(&frame, "status").number, 503);
	rig_limit_files(RLIM_INFINITY);
	for (int tries = 0; tries < 500 && !answer_allows(&frame); tries++) {
		usleep(20000);
		caller_ask(&c, 1, "/open");
		assert_true(caller_read(&c, &frame));
	}
	assert_true(answer_allows(&frame));
	caller_close(&c);
	/* what was granted, the record of the gap, and what came after */
	assert_true(rig_n_records(&rig) >= n_allowed + 2);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end_rig)
	const struct CMUnitTest tests[] = {
		TEST(pipelined_questions_are_all_answered_and_recorded),
		TEST(one_byte_at_a_time),
		TEST(unix_socket_and_health_check),
		TEST(who_breaks_the_protocol_is_told_and_closed),
		TEST(who_leaves_in_the_middle_takes_nobody_along),
		TEST(who_does_not_read_is_not_heard),
		TEST(who_says_nothing_is_let_go),
		TEST(no_more_connections_than_allowed),
		TEST(callers_and_publishers_at_once),
		TEST(what_was_asked_before_the_end_is_answered),
		TEST(a_full_journal_refuses_and_recovers),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
