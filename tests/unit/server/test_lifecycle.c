/* The main thread: where it listens, what systemd and signals say to it, and what it says back. */
#include "core/clock.h"
#include "rig.h"

#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/resource.h>

static struct rig rig;

static int end_rig(void **state)
{
	(void)state;
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unsetenv("WATCHDOG_USEC");
	(void)unsetenv("LISTEN_PID");
	(void)unsetenv("LISTEN_FDS");
	rig_end(&rig);
	return 0;
}

static void served(void)
{
	static struct caller c;
	struct spop_frame frame;
	caller_open(&c, &rig);
	caller_greet(&c, false);
	caller_ask(&c, 1, "/open");
	assert_true(caller_read(&c, &frame) && answer_allows(&frame));
	caller_close(&c);
}

/* ---- systemd and signals ---- */

static int open_notify_socket(const char *dir)
{
	const struct timeval patience = {.tv_sec = RIG_PATIENCE_MS / 1000};
	char text[128];
	struct address address;
	snprintf(text, sizeof(text), "unix@%s/notify", dir);
	assert_true(address_parse(text, &address));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address.at, address.n), 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)), 0);
	assert_int_equal(setenv("NOTIFY_SOCKET", address.path, 1), 0);
	return fd;
}

/* Waits for the word, past signs of life. */
static void await_word(int fd, const char *word)
{
	char got[256], line[64];
	snprintf(line, sizeof(line), "%s\n", word);
	do {
		ssize_t n = recv(fd, got, sizeof(got) - 1, 0);
		assert_true(n > 0);
		got[n] = '\0';
	} while (strncmp(got, "WATCHDOG=1\n", 11) == 0 && strcmp(line, "WATCHDOG=1\n") != 0);
	assert_int_equal(strncmp(got, line, strlen(line)), 0);
	assert_non_null(strstr(got, "MONOTONIC_USEC=")); /* Type=notify-reload wants it */
}

static void count_reload(void *user)
{
	atomic_fetch_add((atomic_uint *)user, 1);
}

static void signals_do_as_the_manual_says_and_systemd_hears_of_it(void **state)
{
	static atomic_uint n_reloads;
	const struct rig_options o = {.n_workers = 2, .reload = count_reload, .user = &n_reloads};
	(void)state;
	rig_prepare(&rig, &o);
	int told = open_notify_socket(rig.dir);
	assert_int_equal(setenv("WATCHDOG_USEC", "100000", 1), 0);
	struct diag d = diag_over("rig", SVL(""));
	assert_int_equal(server_new(&rig.deps, &d, &rig.server), 0);
	assert_int_equal(d.n, 0);
	assert_int_equal(pthread_create(&rig.thread, NULL, rig_run, &rig), 0);
	rig.runs = true;
	await_word(told, "READY=1");
	await_word(told, "WATCHDOG=1");
	await_word(told, "WATCHDOG=1");
	for (unsigned i = 1; i <= 3; i++) {
		assert_int_equal(kill(getpid(), SIGHUP), 0);
		await_word(told, "RELOADING=1");
		await_word(told, "READY=1");
		assert_int_equal(atomic_load(&n_reloads), i);
		served();
	}
	assert_int_equal(kill(getpid(), SIGUSR1), 0); /* there is no log file: nothing happens */
	served();
	assert_int_equal(kill(getpid(), SIGTERM), 0);
	await_word(told, "STOPPING=1");
	assert_int_equal(pthread_join(rig.thread, NULL), 0);
	rig.runs = false;
	(void)close(told);
	/* a second one, while the book is being closed, does no harm */
	server_free(rig.server);
	rig.server = NULL;
	static const int signals[] = {SIGTERM, SIGINT, SIGHUP, SIGUSR1};
	for (size_t i = 0; i < ARRAY_LEN(signals); i++)
		assert_int_equal(kill(getpid(), signals[i]), 0);
	assert_int_equal(atomic_load(&n_reloads), 3);
}

static void a_reload_without_anybody_to_do_it(void **state)
{
	const struct rig_options o = {.n_workers = 1};
	(void)state;
	rig_start(&rig, &o);
	served();
	assert_int_equal(kill(getpid(), SIGHUP), 0);
	served();
	assert_int_equal(kill(getpid(), SIGINT), 0);
	assert_int_equal(pthread_join(rig.thread, NULL), 0);
	rig.runs = false;
}

/* ---- where it listens ---- */

enum { PASSED_FD = 3 };

static void sockets_of_systemd_take_the_place_of_the_settings(void **state)
{
	const struct rig_options o = {.n_workers = 1};
	struct address address;
	char pid[24];
	(void)state;
	if (fcntl(PASSED_FD, F_GETFD) >= 0)
		skip(); /* somebody handed it to us */
	assert_true(address_parse("127.0.0.1:0", &address));
	int fd = address_listen(&address, 0);
	assert_int_equal(dup2(fd, PASSED_FD), PASSED_FD);
	unsigned port = address_port(PASSED_FD);
	if (fd != PASSED_FD)
		(void)close(fd);
	(void)fcntl(PASSED_FD, F_SETFL, 0); /* as systemd passes it: blocking, and inherited */
	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_int_equal(setenv("LISTEN_PID", pid, 1) | setenv("LISTEN_FDS", "1", 1), 0);
	rig_start(&rig, &o);
	assert_int_equal(server_port(rig.server, 0), port);
	assert_int_equal(server_port(rig.server, 1), 0);
	assert_true(fcntl(PASSED_FD, F_GETFL) & O_NONBLOCK);
	assert_true(fcntl(PASSED_FD, F_GETFD) & FD_CLOEXEC);
	assert_int_equal(access(rig.unix_path + 5, F_OK), -1); /* of the settings: not opened */
	assert_true(server_accounting_port(rig.server, 0) > 0);
	served();
}

/* All that is wrong is said at once, each at its place; nothing is left open. */
static void addresses_that_cannot_be_used_are_named(void **state)
{
	static char name[] = "localhost:1", nowhere[] = "unix@/nonexistent/haward/spop.sock",
		    good[] = "127.0.0.1:0", taken[32];
	static char *listen[] = {name, good, taken, nowhere};
	static char *accounting[] = {good, name};
	static const struct {
		const char *pointer, *code, *part;
	} rows[] = {
		{"/spop/listen/0", "bad_address", "localhost:1"},
		{"/spop/listen/2", "cannot_listen", "in use"},
		{"/spop/listen/3", "cannot_listen", "No such file"},
		{"/accounting/listen/1", "bad_address", "localhost:1"},
	};
	const struct rig_options o = {.n_workers = 1};
	struct address address;
	(void)state;
	assert_true(address_parse("127.0.0.1:0", &address));
	int holder = address_listen(&address, 0);
	snprintf(taken, sizeof(taken), "127.0.0.1:%u", address_port(holder));
	rig_prepare(&rig, &o);
	rig.spop.listen = (struct json_strings){.at = listen, .n = ARRAY_LEN(listen)};
	rig.accounting.listen = (struct json_strings){.at = accounting, .n = ARRAY_LEN(accounting)};
	struct diag d = diag_over("rig", SVL(""));
	assert_int_equal(server_new(&rig.deps, &d, &rig.server), -EINVAL);
	assert_null(rig.server);
	assert_int_equal(d.n, ARRAY_LEN(rows));
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_string_equal(d.items[i].pointer, rows[i].pointer);
		assert_string_equal(d.items[i].code, rows[i].code);
		assert_non_null(strstr(d.items[i].message, rows[i].part));
	}
	diag_fini(&d);
	(void)close(holder);
}

static void more_listeners_than_there_is_room_for(void **state)
{
	static char any[] = "127.0.0.1:0";
	static char *listen[40];
	const struct rig_options o = {.n_workers = 1};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(listen); i++)
		listen[i] = any;
	rig_prepare(&rig, &o);
	rig.spop.listen = (struct json_strings){.at = listen, .n = ARRAY_LEN(listen)};
	struct diag d = diag_over("rig", SVL(""));
	assert_true(server_new(&rig.deps, &d, &rig.server) < 0);
	assert_null(rig.server);
	assert_true(d.n >= 1); /* said at its place, as every other bad address */
	assert_string_equal(d.items[0].pointer, "/spop/listen/32");
	diag_fini(&d);
}

static void more_workers_than_journals(void **state)
{
	const struct rig_options o = {.n_workers = 1};
	(void)state;
	rig_prepare(&rig, &o);
	rig.spop.workers = 3;
	struct diag d = diag_over("rig", SVL(""));
	assert_int_equal(server_new(&rig.deps, &d, &rig.server), -EINVAL);
	assert_null(rig.server); /* and the worker that had begun is gone: the sanitizers know */
	diag_fini(&d);
}

/* ---- without descriptors ---- */

/* Takes every descriptor below a limit that is lowered to what is open. */
static void use_up_descriptors(struct rlimit *before, int taken[], size_t *n)
{
	int top = dup(STDERR_FILENO);
	assert_true(top >= 0);
	assert_int_equal(getrlimit(RLIMIT_NOFILE, before), 0);
	const struct rlimit low = {.rlim_cur = (rlim_t)top + 1, .rlim_max = before->rlim_max};
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &low), 0);
	taken[0] = top;
	for (*n = 1; *n < 256; (*n)++) {
		taken[*n] = dup(STDERR_FILENO);
		if (taken[*n] < 0)
			break;
	}
	assert_int_equal(errno, EMFILE);
}

static void out_of_descriptors_is_lived_through(void **state)
{
	static struct caller old, late;
	const struct rig_options o = {.n_workers = 1};
	struct rlimit before;
	struct spop_frame frame;
	struct address address;
	char where[32];
	int taken[256];
	size_t n_taken;
	(void)state;
	rig_start(&rig, &o);
	caller_open(&old, &rig);
	caller_greet(&old, false);
	snprintf(where, sizeof(where), "127.0.0.1:%u", server_port(rig.server, 0));
	assert_true(address_parse(where, &address));
	late.fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	late.n_in = late.n_taken = 0;
	use_up_descriptors(&before, taken, &n_taken);
	assert_int_equal(connect(late.fd, (struct sockaddr *)&address.at, address.n), 0);
	struct rusage start, end;
	assert_int_equal(getrusage(RUSAGE_SELF, &start), 0);
	usleep(500000);
	caller_ask(&old, 1, "/open"); /* who is in is served */
	assert_true(caller_read(&old, &frame) && answer_allows(&frame));
	assert_int_equal(getrusage(RUSAGE_SELF, &end), 0);
	/* and nobody tries again and again meanwhile */
	assert_true(end.ru_nvcsw - start.ru_nvcsw < 2000);
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
	for (size_t i = 0; i < n_taken; i++)
		(void)close(taken[i]);
	const struct timeval patience = {.tv_sec = RIG_PATIENCE_MS / 1000};
	assert_int_equal(setsockopt(late.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
	                 0);
	caller_greet(&late, false);
	caller_ask(&late, 1, "/open");
	assert_true(caller_read(&late, &frame) && answer_allows(&frame));
	caller_close(&late);
	caller_close(&old);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, end_rig)
	const struct CMUnitTest tests[] = {
		TEST(sockets_of_systemd_take_the_place_of_the_settings),
		TEST(signals_do_as_the_manual_says_and_systemd_hears_of_it),
		TEST(a_reload_without_anybody_to_do_it),
		TEST(addresses_that_cannot_be_used_are_named),
		TEST(more_listeners_than_there_is_room_for),
		TEST(more_workers_than_journals),
		TEST(out_of_descriptors_is_lived_through),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
