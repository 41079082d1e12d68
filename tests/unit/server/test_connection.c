/* One connection at a time: how much patience the server has with it, and what else it may be asked. */
#include "core/clock.h"
#include "rig.h"

#include <fcntl.h>

static const struct rig_options usual = {.n_workers = 2};
static struct rig rig;

static int end_rig(void **state)
{
	(void)state;
	rig_end(&rig);
	return 0;
}

static uint64_t protocol_errors(void)
{
	uint64_t n = 0;
	for (size_t i = 0; i < server_n_workers(rig.server); i++)
		n += atomic_load(&server_worker(rig.server, i)->n_protocol_errors);
	return n;
}

static uint64_t open_connections(void)
{
	uint64_t n = 0;
	for (size_t i = 0; i < server_n_workers(rig.server); i++)
		n += atomic_load(&server_worker(rig.server, i)->n_connections);
	return n;
}

static void await_connections(uint64_t n)
{
	for (int i = 0; i < RIG_PATIENCE_MS && open_connections() != n; i++)
		usleep(1000);
	assert_int_equal(open_connections(), n);
}

static void served(struct caller *c)
{
	struct spop_frame frame;
	caller_ask(c, 1, "/open");
	assert_true(caller_read(c, &frame) && answer_allows(&frame));
}

/* A peer that sends a byte now and then has no more time for its frame than any other. */
static void who_drips_is_let_go(void **state)
{
	static struct caller c, other;
	uint8_t room[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	uint64_t start = clock_mono_ns(), took_ms;
	bool over = false;
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	put_question(&b, 1, "/open");
	assert_int_equal(fcntl(c.fd, F_SETFL, O_NONBLOCK), 0);
	for (size_t i = 0; !over && i + 1 < b.n; i++) {
		struct pollfd ending = {.fd = c.fd, .events = POLLIN};
		(void)send(c.fd, room + i, 1, MSG_NOSIGNAL);
		over = poll(&ending, 1, 400) == 1;
	}
	took_ms = (clock_mono_ns() - start) / 1000000;
	assert_true(over && took_ms >= 4000 && took_ms < 12000);
	assert_int_equal(fcntl(c.fd, F_SETFL, 0), 0);
	assert_int_equal(caller_goodbye(&c), SPOP_STATUS_TIMEOUT);
	caller_close(&c);
	assert_int_equal(protocol_errors(), 1);
	caller_open(&other, &rig);
	caller_greet(&other, false);
	served(&other);
	caller_close(&other);
}

/* Many whole frames with a rest of one behind them are progress: such a peer is heard as long as it goes on. */
static void who_goes_on_is_heard(void **state)
{
	static struct caller c;
	uint8_t room[1024];
	struct outbuf b = outbuf_over(room, sizeof(room));
	uint64_t start = clock_mono_ns();
	unsigned n_answered = 0;
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	put_question(&b, 1, "/open");
	caller_send(&c, (struct sv){(char *)room, b.n / 2});
	while (clock_mono_ns() - start < 6000000000U) { /* always half a frame in between */
		struct spop_frame frame;
		usleep(300000);
		caller_send(&c, (struct sv){(char *)room + b.n / 2, b.n - b.n / 2});
		caller_send(&c, (struct sv){(char *)room, b.n / 2});
		assert_true(caller_read(&c, &frame) && answer_allows(&frame));
		n_answered++;
	}
	assert_true(n_answered > 5);
	assert_int_equal(protocol_errors(), 0);
	caller_close(&c);
}

/* Asks until nothing more is taken, and never reads. */
static void ask_until_full(struct caller *c)
{
	uint8_t room[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	struct pollfd writable = {.fd = c->fd, .events = POLLOUT};
	put_question(&b, 1, "/open");
	assert_int_equal(fcntl(c->fd, F_SETFL, O_NONBLOCK), 0);
	for (size_t at = 0; poll(&writable, 1, 500) == 1;) {
		ssize_t n = send(c->fd, room + at, b.n - at, MSG_NOSIGNAL);
		if (n < 0 && errno != EAGAIN)
			return;
		at = n > 0 ? (at + (size_t)n) % b.n : at;
	}
}

static void who_never_reads_is_let_go(void **state)
{
	static struct caller deaf;
	const struct rig_options one = {.n_workers = 1, .ring_bytes = 16 << 20};
	(void)state;
	rig_start(&rig, &one);
	caller_open(&deaf, &rig);
	caller_greet(&deaf, false);
	await_connections(1);
	ask_until_full(&deaf);
	await_connections(0);
	assert_int_equal(protocol_errors(), 1);
	caller_close(&deaf);
}

/* Each worker gets its share, and each counts what it did. */
static void workers_share_the_connections(void **state)
{
	enum { N = 64, N_WORKERS = 4 };
	static struct caller c[N];
	const struct rig_options four = {.n_workers = N_WORKERS};
	(void)state;
	rig_start(&rig, &four);
	for (int i = 0; i < N; i++) {
		caller_open(&c[i], &rig);
		caller_greet(&c[i], false);
	}
	for (int i = 0; i < N; i++)
		served(&c[i]);
	for (size_t i = 0; i < N_WORKERS; i++) {
		const struct worker_counters *w = server_worker(rig.server, i);
		assert_in_range(atomic_load(&w->n_connections), N / N_WORKERS / 2,
		                N / N_WORKERS * 2);
		assert_int_equal(atomic_load(&w->n_frames), atomic_load(&w->n_accepted));
	}
	for (int i = 0; i < N; i++)
		caller_close(&c[i]);
	await_connections(0);
	assert_int_equal(rig_n_records(&rig), N);
}

static void the_refused_are_counted(void **state)
{
	static struct caller c[8];
	struct spop_frame frame;
	const struct rig_options two = {.n_workers = 1, .max_connections = 2};
	(void)state;
	rig_start(&rig, &two);
	for (int i = 0; i < 8; i++) {
		caller_open(&c[i], &rig);
		if (i < 2)
			caller_greet(&c[i], false);
		else
			assert_false(caller_read(&c[i], &frame));
	}
	assert_int_equal(server_n_refused(rig.server), 6);
	caller_close(&c[0]);
	await_connections(1);
	caller_close(&c[7]);
	caller_open(&c[7], &rig); /* there is room again */
	caller_greet(&c[7], false);
	served(&c[7]);
	for (int i = 1; i < 8; i++)
		caller_close(&c[i]);
}

static void a_goodbye_is_answered(void **state)
{
	static struct caller c;
	uint8_t room[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	struct spop_frame frame;
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	put_question(&b, 3, "/open"); /* asked before it leaves: answered before we leave */
	size_t at = spop_frame_open(&b, SPOP_HAPROXY_DISCONNECT, 0, 0);
	spop_text_write(&b, SVL("status-code"));
	spop_value_uint32(&b, SPOP_STATUS_NORMAL);
	put_text(&b, "message", "normal");
	spop_frame_close(&b, at);
	caller_send(&c, outbuf_sv(&b));
	assert_true(caller_read(&c, &frame) && answer_allows(&frame));
	assert_int_equal(frame.stream_id, 3);
	assert_int_equal(caller_goodbye(&c), SPOP_STATUS_NORMAL);
	caller_close(&c);
	assert_int_equal(protocol_errors(), 0);
}

static void put_report(struct outbuf *b, const char *event, int32_t status)
{
	size_t at = spop_frame_open(b, SPOP_NOTIFY, 5, 1);
	spop_text_write(b, SVL("haward-account"));
	outbuf_u8(b, 3);
	put_text(b, "event", event);
	put_text(b, "id", "u-1");
	spop_text_write(b, SVL("status"));
	spop_value_int32(b, status);
	spop_frame_close(b, at);
}

/* Where HAProxy cannot log over TCP, it reports an outcome as a question of its own. */
static void an_outcome_is_recorded_and_says_so(void **state)
{
	static struct caller c;
	uint8_t room[512];
	struct spop_frame frame;
	static const struct {
		const char *event;
		bool recorded;
	} rows[] = {{"01KB3Q7Z0V9M6H4D5T8W2X1Y3Z", true}, {"no event", false}};
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&c, &rig);
	caller_greet(&c, false);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct outbuf b = outbuf_over(room, sizeof(room));
		put_report(&b, rows[i].event, 200);
		caller_send(&c, outbuf_sv(&b));
		assert_true(caller_read(&c, &frame));
		assert_int_equal(answer_var(&frame, "recorded").type, SPOP_DATA_BOOL);
		assert_int_equal(answer_var(&frame, "recorded").truth, rows[i].recorded);
		assert_int_equal(answer_var(&frame, "allow").type,
		                 0); /* and nobody is let in by it */
	}
	caller_close(&c);
	assert_int_equal(rig_n_records(&rig), 1);
}

/* Half a frame does not hold up the end longer than the drain time. */
static void half_a_frame_does_not_hold_the_end(void **state)
{
	static struct caller half, quiet;
	uint8_t room[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	struct spop_frame frame;
	(void)state;
	rig_start(&rig, &usual);
	caller_open(&half, &rig);
	caller_greet(&half, false);
	caller_open(&quiet, &rig);
	caller_greet(&quiet, false);
	put_question(&b, 1, "/open");
	caller_send(&half, (struct sv){(char *)room, b.n / 2});
	uint64_t start = clock_mono_ns();
	rig_stop(&rig);
	uint64_t took_ms = (clock_mono_ns() - start) / 1000000;
	assert_in_range(took_ms, 1000, 10000); /* drain_ms of the rig is 3000 */
	assert_int_equal(caller_goodbye(&quiet), SPOP_STATUS_NORMAL);
	while (caller_read(&half, &frame))
		assert_int_equal(frame.type, SPOP_AGENT_DISCONNECT);
	caller_close(&half);
	caller_close(&quiet);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end_rig)
	const struct CMUnitTest tests[] = {
		TEST(who_drips_is_let_go),
		TEST(who_goes_on_is_heard),
		TEST(who_never_reads_is_let_go),
		TEST(workers_share_the_connections),
		TEST(the_refused_are_counted),
		TEST(a_goodbye_is_answered),
		TEST(an_outcome_is_recorded_and_says_so),
		TEST(half_a_frame_does_not_hold_the_end),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
