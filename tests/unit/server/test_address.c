/* Addresses as HAProxy spells them, and files of sockets that somebody left. */
#include "server/address.h"
#include "server/sdnotify.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static void spellings(void **state)
{
	static const struct {
		const char *text;
		int family; /* 0: none */
	} rows[] = {
		{"127.0.0.1:12350", AF_INET},
		{"0.0.0.0:1", AF_INET},
		{"[::1]:12350", AF_INET6},
		{"[::]:65535", AF_INET6},
		{"unix@/run/haward/spop.sock", AF_UNIX},
		{"unix:/run/haward/spop.sock", AF_UNIX},
		{"abns@haward", AF_UNIX},
		{"127.0.0.1:0", AF_INET},
		{"", 0},
		{":12350", 0},
		{"127.0.0.1", 0},
		{"127.0.0.1:", 0},
		{"127.0.0.1:x", 0},
		{"127.0.0.1:65536", 0},
		{"127.0.0.1:-1", 0},
		{"127.0.0.1: 80", 0},
		{"127.0.0.1:80 ", 0},
		{"localhost:80", 0},
		{"::1:80", 0},
		{"[::1]80", 0},
		{"[::1:80", 0},
		{"[127.0.0.1]:80", 0},
		{"256.0.0.1:80", 0},
		{"unix@", 0},
		{"unix@relative/path", AF_UNIX},
		{"abns@", 0},
	};
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address address;
		bool good = address_parse(rows[i].text, &address);
		if (good != (rows[i].family != 0))
			print_error("%s\n", rows[i].text);
		assert_int_equal(good, rows[i].family != 0);
		if (good)
			assert_int_equal(address.at.ss_family, rows[i].family);
	}
	char longest[300] = "unix@/";
	memset(longest + 6, 'x', 250);
	struct address address;
	assert_false(address_parse(longest, &address));
}

static void a_left_file_is_replaced_and_a_used_one_is_not(void **state)
{
	char dir[] = "/tmp/haward-address-XXXXXX", text[64];
	struct address address;
	struct stat at;
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof(text), "unix@%s/s", dir);
	assert_true(address_parse(text, &address));
	int first = address_listen(&address, 0600);
	assert_true(first >= 0);
	assert_int_equal(stat(address.path, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0600);
	assert_int_equal(address_listen(&address, 0600), -EADDRINUSE);
	(void)close(first); /* its file stays, as after a crash */
	int second = address_listen(&address, 0660);
	assert_true(second >= 0);
	assert_int_equal(stat(address.path, &at), 0);
	assert_int_equal(at.st_mode & 0777, 0660);
	(void)close(second);
	assert_int_equal(unlink(address.path), 0);
	/* a file that is no socket is not ours to remove */
	FILE *file = fopen(address.path, "w");
	assert_non_null(file);
	(void)fclose(file);
	assert_true(address_listen(&address, 0600) < 0);
	assert_int_equal(stat(address.path, &at), 0);
	assert_true(S_ISREG(at.st_mode));
	assert_int_equal(unlink(address.path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* Who is there, and only too busy to accept, or speaks another kind of socket, keeps the file. */
static void a_busy_owner_keeps_its_file(void **state)
{
	char dir[] = "/tmp/haward-address-XXXXXX", text[64];
	struct address address;
	struct stat before, after;
	int waiting[64], n = 0;
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof(text), "unix@%s/s", dir);
	assert_true(address_parse(text, &address));
	int owner = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(owner, (struct sockaddr *)&address.at, address.n), 0);
	assert_int_equal(listen(owner, 1), 0);
	for (bool full = false; !full && n < 64; n++) {
		waiting[n] = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		full = connect(waiting[n], (struct sockaddr *)&address.at, address.n) != 0;
	}
	assert_int_equal(errno, EAGAIN);
	assert_int_equal(stat(address.path, &before), 0);
	assert_int_equal(address_listen(&address, 0600), -EADDRINUSE);
	assert_int_equal(stat(address.path, &after), 0);
	assert_true(before.st_ino == after.st_ino);
	while (n > 0)
		(void)close(waiting[--n]);
	(void)close(owner);
	assert_int_equal(unlink(address.path), 0);
	owner = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(owner, (struct sockaddr *)&address.at, address.n), 0);
	assert_true(address_listen(&address, 0600) < 0);
	assert_int_equal(stat(address.path, &after), 0);
	(void)close(owner);
	assert_int_equal(unlink(address.path), 0);
	assert_int_equal(rmdir(dir), 0);
}

/* What a connection to it is called in the log. */
static void peers_have_names(void **state)
{
	char dir[] = "/tmp/haward-address-XXXXXX", file[64], name[64];
	const char *const rows[][2] = {{"127.0.0.1:0", "127.0.0.1:"},
	                               {"[::1]:0", "[::1]:"},
	                               {file, "unix"},
	                               {name, "unix"}};
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(file, sizeof(file), "unix@%s/s", dir);
	snprintf(name, sizeof(name), "abns@haward-test-%d", (int)getpid());
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct address address;
		struct sockaddr_storage at;
		socklen_t n = sizeof(at);
		char peer[ADDRESS_TEXT_BYTES];
		assert_true(address_parse(rows[i][0], &address));
		int listener = address_listen(&address, 0600);
		if (listener == -EADDRNOTAVAIL || listener == -EAFNOSUPPORT)
			continue; /* a machine without IPv6 */
		assert_true(listener >= 0);
		assert_int_equal(address_port(listener) > 0, address.at.ss_family != AF_UNIX);
		assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &n), 0);
		int caller = socket(address.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
		assert_int_equal(connect(caller, (struct sockaddr *)&at, n), 0);
		int called = accept(listener, NULL, NULL);
		assert_true(called >= 0);
		address_of_peer(called, peer);
		assert_int_equal(strncmp(peer, rows[i][1], strlen(rows[i][1])), 0);
		(void)close(called);
		(void)close(caller);
		(void)close(listener);
	}
	assert_int_equal(unlink(file + strlen("unix@")), 0);
	assert_int_equal(rmdir(dir), 0);
}

static void a_used_port_is_refused(void **state)
{
	struct address address;
	char text[32];
	(void)state;
	assert_true(address_parse("127.0.0.1:0", &address));
	int first = address_listen(&address, 0);
	assert_true(first >= 0 && address_port(first) > 0);
	snprintf(text, sizeof(text), "127.0.0.1:%u", address_port(first));
	assert_true(address_parse(text, &address));
	assert_int_equal(address_listen(&address, 0), -EADDRINUSE);
	(void)close(first);
}

static void systemd_is_told(void **state)
{
	char dir[] = "/tmp/haward-notify-XXXXXX", text[64], got[128] = "", pid[24];
	struct address address;
	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(text, sizeof(text), "unix@%s/n", dir);
	assert_true(address_parse(text, &address));
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	assert_int_equal(bind(fd, (struct sockaddr *)&address.at, address.n), 0);
	(void)unsetenv("NOTIFY_SOCKET");
	sdnotify("READY=1"); /* nobody to tell */
	assert_int_equal(recv(fd, got, sizeof(got) - 1, MSG_DONTWAIT), -1);
	assert_int_equal(setenv("NOTIFY_SOCKET", address.path, 1), 0);
	sdnotify("READY=1");
	assert_true(recv(fd, got, sizeof(got) - 1, 0) > 0);
	assert_int_equal(strncmp(got, "READY=1\n", 8), 0);
	(void)close(fd);
	assert_int_equal(unlink(address.path), 0);
	sdnotify("READY=1"); /* it went away */
	assert_int_equal(rmdir(dir), 0);
	(void)unsetenv("NOTIFY_SOCKET");

	snprintf(pid, sizeof(pid), "%d", (int)getpid());
	assert_true(sdnotify_watchdog_seconds() <= 0.);
	(void)setenv("WATCHDOG_USEC", "3000000", 1);
	assert_true(sdnotify_watchdog_seconds() > 1.4 && sdnotify_watchdog_seconds() < 1.6);
	(void)setenv("WATCHDOG_PID", "1", 1);
	assert_true(sdnotify_watchdog_seconds() <= 0.); /* meant for another */
	(void)setenv("LISTEN_FDS", "2", 1);
	assert_int_equal(sdnotify_listen_fds(), 0);
	(void)setenv("LISTEN_PID", pid, 1);
	assert_int_equal(sdnotify_listen_fds(), 2);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(spellings),
		cmocka_unit_test(a_left_file_is_replaced_and_a_used_one_is_not),
		cmocka_unit_test(a_busy_owner_keeps_its_file),
		cmocka_unit_test(peers_have_names),
		cmocka_unit_test(a_used_port_is_refused),
		cmocka_unit_test(systemd_is_told),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
