/* HAProxy's log over TCP: every line counts once, however the bytes arrive, and strangers are shown the door. */
#include "core/limits.h"
#include "rig.h"

#include <stdatomic.h>

static const struct rig_options usual = {.n_workers = 1};
static struct rig rig;

static int end_rig(void **state)
{
	(void)state;
	rig_end(&rig);
	return 0;
}

#define LINE                                                           \
	"<134>1 2026-11-23T15:00:00.000000+00:00 edge haproxy 12 - - " \
	"{\"event\":\"01KB3Q7Z0V9M6H4D5T8W2X1Y3Z\",\"id\":\"u1\",\"status\":200,\"ta\":5}"
#define FOREIGN "<134>1 2026-11-23T15:00:00.000000+00:00 edge haproxy 12 - - Proxy started."
#define BROKEN  "<134>1 2026-11-23T15:00:00.000000+00:00 edge haproxy 12 - - {\"event\":7"

static int open_log(void)
{
	char where[32];
	struct address address;
	snprintf(where, sizeof(where), "127.0.0.1:%u", server_accounting_port(rig.server, 0));
	assert_true(address_parse(where, &address));
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(connect(fd, (struct sockaddr *)&address.at, address.n), 0);
	return fd;
}

static void send_all(int fd, struct sv bytes, size_t step)
{
	for (size_t i = 0; i < bytes.n; i += step)
		assert_true(send(fd, bytes.at + i, MIN_OF(step, bytes.n - i), MSG_NOSIGNAL) > 0);
}

static uint64_t count(const atomic_uint_fast64_t *counter)
{
	return atomic_load(counter);
}

static void await_lines(uint64_t n)
{
	const struct loglisten_counters *c = server_accounting(rig.server);
	for (int tries = 0; tries < RIG_PATIENCE_MS && count(&c->n_lines) < n; tries++)
		usleep(1000);
	assert_int_equal(count(&c->n_lines), n);
}

static size_t octet_counted(char *to, size_t room, const char *line)
{
	return (size_t)snprintf(to, room, "%zu %s", strlen(line), line);
}

static void both_framings_in_any_pieces(void **state)
{
	char text[4096];
	size_t n = 0;
	uint64_t n_lines = 0;
	(void)state;
	for (int i = 0; i < 3; i++)
		n += octet_counted(text + n, sizeof(text) - n, LINE);
	for (int i = 0; i < 3; i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s\n", LINE);
	n += octet_counted(text + n, sizeof(text) - n, LINE "\n");
	rig_start(&rig, &usual);
	for (size_t step = 1; step <= n; step *= 4) {
		int fd = open_log();
		send_all(fd, (struct sv){text, n}, step);
		n_lines += 7;
		await_lines(n_lines);
		(void)close(fd);
	}
	assert_int_equal(count(&server_accounting(rig.server)->n_outcomes), n_lines);
	assert_int_equal(count(&server_accounting(rig.server)->n_bad), 0);
	assert_int_equal(rig_n_records(&rig), n_lines);
}

static void other_lines_are_counted_apart(void **state)
{
	char text[1024];
	size_t n = octet_counted(text, sizeof(text), FOREIGN);
	(void)state;
	n += octet_counted(text + n, sizeof(text) - n, BROKEN);
	n += octet_counted(text + n, sizeof(text) - n, LINE);
	rig_start(&rig, &usual);
	int fd = open_log();
	send_all(fd, (struct sv){text, n}, n);
	await_lines(3);
	const struct loglisten_counters *c = server_accounting(rig.server);
	assert_int_equal(count(&c->n_foreign), 1);
	assert_int_equal(count(&c->n_bad), 1);
	assert_int_equal(count(&c->n_outcomes), 1);
	(void)close(fd);
}

/* The end is an RST, as HAProxy 3.0's ring connects again only after an error. */
static void what_is_no_log_is_closed_by_reset(void **state)
{
	static const char *const rows[] = {"GET / HTTP/1.1\r\n\r\n", "99999999 x", "\x16\x03\x01"};
	(void)state;
	rig_start(&rig, &usual);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char byte;
		int fd = open_log();
		send_all(fd, sv_of(rows[i]), 100);
		assert_int_equal(recv(fd, &byte, 1, 0), -1);
		assert_int_equal(errno, ECONNRESET);
		(void)close(fd);
	}
	int fd = open_log();
	send_all(fd, SVL(LINE "\n"), 100);
	await_lines(1);
	rig_stop(&rig);
	server_free(rig.server);
	rig.server = NULL;
	char byte;
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	(void)close(fd);
}

/* What had arrived when the agent was told to stop is in the book. */
static void what_was_sent_before_the_end_is_read(void **state)
{
	enum { N = 600 };
	static char text[N * 256];
	size_t n = 0;
	(void)state;
	rig_start(&rig, &usual);
	int fd = open_log();
	send_all(fd, SVL(LINE "\n"), 200);
	await_lines(1);
	rig_stop(&rig); /* its loop does not run any more */
	for (int i = 0; i < N; i++)
		n += octet_counted(text + n, sizeof(text) - n, LINE);
	send_all(fd, (struct sv){text, n}, n);
	server_free(rig.server);
	rig.server = NULL;
	(void)close(fd);
	assert_int_equal(rig_n_records(&rig), N + 1);
}

enum { N_WAITING = 12000 };

/* Blocks while the server does not read. */
static void *send_many(void *arg)
{
	int fd = open_log();
	(void)arg;
	for (int i = 0; i < N_WAITING / 2; i++) {
		char text[512];
		send_all(fd, (struct sv){text, octet_counted(text, sizeof(text), LINE)}, 512);
	}
	(void)close(fd);
	return NULL;
}

/* HAProxy's ring holds the lines meanwhile; none is lost or doubled, and so the book has no gap. */
static void a_full_journal_makes_lines_wait(void **state)
{
	const struct rig_options small = {.n_workers = 1, .ring_bytes = 64 << 10};
	const struct loglisten_counters *c;
	pthread_t senders[2];
	uint64_t before;
	(void)state;
	rig_start(&rig, &small);
	rig_limit_files(32 << 10);
	c = server_accounting(rig.server);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_create(&senders[i], NULL, send_many, NULL), 0);
	do {
		before = count(&c->n_lines);
		usleep(300000); /* several tries while it is full */
	} while (before == 0 || count(&c->n_lines) != before);
	assert_in_range(before, 10, N_WAITING - 1);
	rig_limit_files(RLIM_INFINITY);
	await_lines(N_WAITING);
	assert_int_equal(count(&c->n_outcomes), N_WAITING);
	assert_int_equal(count(&c->n_bad), 0);
	for (int i = 0; i < 2; i++)
		assert_int_equal(pthread_join(senders[i], NULL), 0);
	assert_int_equal(rig_n_records(&rig), N_WAITING);
}

/* A line that does not end is no line; who sends it is shown the door, others are not. */
static void a_line_without_end_is_cut_off(void **state)
{
	static const char *const beginnings[] = {"<134>1 ", "16384 <134>1 ", "<"};
	static char wide[SYSLOG_MESSAGE_MAX * 2];
	(void)state;
	memset(wide, 'x', sizeof(wide));
	rig_start(&rig, &usual);
	int other = open_log();
	for (size_t i = 0; i < ARRAY_LEN(beginnings); i++) {
		char byte;
		int fd = open_log();
		send_all(fd, sv_of(beginnings[i]), 100);
		for (ssize_t n = 1; n > 0;) /* until it is closed under us */
			n = send(fd, wide, sizeof(wide), MSG_NOSIGNAL);
		assert_true(recv(fd, &byte, 1, 0) <= 0);
		(void)close(fd);
	}
	send_all(other, SVL(LINE "\n"), 200);
	const struct loglisten_counters *c = server_accounting(rig.server);
	for (int i = 0; i < RIG_PATIENCE_MS && count(&c->n_outcomes) < 1; i++)
		usleep(1000);
	assert_int_equal(count(&c->n_outcomes), 1);
	assert_true(count(&c->n_bad) >= ARRAY_LEN(beginnings));
	(void)close(other);
}

static void await_sources(uint64_t n)
{
	const struct loglisten_counters *c = server_accounting(rig.server);
	for (int i = 0; i < RIG_PATIENCE_MS && count(&c->n_connections) != n; i++)
		usleep(1000);
	assert_int_equal(count(&c->n_connections), n);
}

static void sources_are_bounded_and_leave_in_any_order(void **state)
{
	enum { N = 256 };
	int fds[N];
	char byte;
	(void)state;
	rig_start(&rig, &usual);
	for (int i = 0; i < N; i++)
		fds[i] = open_log();
	await_sources(N);
	int late = open_log();
	assert_int_equal(recv(late, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	(void)close(late);
	(void)close(fds[N - 1]);
	(void)close(fds[N / 2]);
	(void)close(fds[0]);
	await_sources(N - 3);
	late = open_log();
	send_all(late, SVL(LINE "\n"), 200);
	send_all(fds[1], SVL(LINE "\n"), 200);
	await_lines(2);
	(void)close(late);
	for (int i = 1; i < N - 1; i++)
		if (i != N / 2)
			(void)close(fds[i]);
	await_sources(0);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end_rig)
	const struct CMUnitTest tests[] = {
		TEST(both_framings_in_any_pieces),
		TEST(other_lines_are_counted_apart),
		TEST(what_is_no_log_is_closed_by_reset),
		TEST(what_was_sent_before_the_end_is_read),
		TEST(a_full_journal_makes_lines_wait),
		TEST(a_line_without_end_is_cut_off),
		TEST(sources_are_bounded_and_leave_in_any_order),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
