#include "core/strbuf.h"
#include "support/cmocka_prelude.h"
#include "web.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

/* Passwords and cookies must not cross a network in the clear. */
static void only_loopback_unix_and_https_are_listened_on(void **state)
{
	struct web *web = *state;
	static const struct {
		const char *listen, *public_url;
		int error;
	} cases[] = {
		{"127.0.0.1:0", NULL, 0},
		{"[::1]:0", NULL, 0},
		{"localhost:0", NULL, 0},
		{"0.0.0.0:0", NULL, -EPERM},
		{"0.0.0.0:0", "http://haward.example", -EPERM},
		{"0.0.0.0:0", "https://haward.example/", 0},
		{"0.0.0.0:0", "haward.example", -EINVAL},
		{"127.0.0.1:0", "ftp://haward.example", -EINVAL},
		{"127.0.0.1:0", "https:///", -EINVAL},
		{"127.0.0.1", NULL, -EINVAL},
		{"127.0.0.1:65536", NULL, -EINVAL},
		{"haward.example:80", NULL, -EINVAL},
		{":80", NULL, -EINVAL},
		{"unix:relative", NULL, -EINVAL},
		{"", NULL, -EINVAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct admin *admin = NULL;
		char listen[64];
		char url[64] = "";
		snprintf(listen, sizeof(listen), "%s", cases[i].listen);
		snprintf(url, sizeof(url), "%s", cases[i].public_url ? cases[i].public_url : "");
		struct admin_options options = {.listen = listen,
		                                .public_url = cases[i].public_url ? url : NULL};
		struct admin_deps deps = web_deps(web, &options);
		int r = admin_start(&deps, -1, &admin);
		if (r == -EADDRNOTAVAIL || r == -EAFNOSUPPORT)
			continue; /* no IPv6 here */
		if (r != cases[i].error)
			fail_msg("case %zu: %d", i, r);
		admin_stop(admin);
	}
}

static void ask_unix(const char *path, const char *request, char *ret, size_t n_ret)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);
	size_t n = 0;
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%s", path);
	assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	assert_int_equal(send(fd, request, strlen(request), 0), strlen(request));
	for (ssize_t got = 1; got > 0 && n + 1 < n_ret; n += got > 0 ? (size_t)got : 0)
		got = recv(fd, ret + n, n_ret - n - 1, 0);
	ret[n] = '\0';
	close(fd);
}

static void a_unix_socket_answers_and_leaves_nothing(void **state)
{
	struct web *web = *state;
	char listen[96];
	char answer[4096];
	struct stat st;
	struct admin *admin = NULL;
	struct admin *other = NULL;
	snprintf(listen, sizeof(listen), "unix:%s/admin.sock", web->dir);
	struct admin_options options = {.listen = listen};
	struct admin_deps deps = web_deps(web, &options);
	assert_int_equal(admin_start(&deps, -1, &admin), 0);
	assert_int_equal(admin_port(admin), 0);
	assert_int_equal(admin_start(&deps, -1, &other), -EADDRINUSE);
	assert_int_equal(stat(listen + 5, &st), 0);
	assert_int_equal(st.st_mode & 0777, 0660);
	ask_unix(listen + 5,
	         "GET /health/live HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n",
	         answer, sizeof(answer));
	assert_non_null(strstr(answer, "200 OK"));
	admin_stop(admin);
	assert_int_equal(stat(listen + 5, &st), -1);
}

static void behind_https_the_cookie_is_held_to_its_host(void **state)
{
	struct web *web = *state;
	char link[256];
	char url[] = "https://haward.example";
	char listen[] = "127.0.0.1:0";
	struct admin_options options = {.listen = listen, .public_url = url};
	struct admin_deps deps = web_deps(web, &options);
	admin_stop(web->admin);
	web->admin = NULL;
	assert_int_equal(admin_start(&deps, -1, &web->admin), 0);
	assert_int_equal(admin_setup_link(web->admin, link, sizeof(link)), 0);
	assert_true(strncmp(link, "https://haward.example/setup#token=", 35) == 0);

	char body[512];
	char raw[1024];
	snprintf(body, sizeof(body),
	         "{\"token\":\"%s\",\"username\":\"root\",\"password\":\"" WEB_PASSWORD "\"}",
	         link + 35);
	snprintf(raw, sizeof(raw),
	         "POST /api/v1/setup HTTP/1.1\r\nHost: haward.example\r\nOrigin: "
	         "https://haward.example\r\n"
	         "Sec-Fetch-Site: same-origin\r\nConnection: close\r\nContent-Type: "
	         "application/json\r\n"
	         "Content-Length: %zu\r\n\r\n%s",
	         strlen(body), body);
	struct answer answer = web_raw(web, sv_of(raw));
	assert_int_equal(answer.status, 201);
	struct sv cookie = answer_header(&answer, "Set-Cookie");
	assert_true(sv_starts(cookie, SVL("__Host-sid=")));
	assert_true(sv_ends(cookie, SVL("; Path=/; HttpOnly; SameSite=Strict; Secure")));
	answer_fini(&answer);
	admin_stop(web->admin); /* before the options go */
	web->admin = NULL;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(only_loopback_unix_and_https_are_listened_on,
	                                        web_setup, web_teardown),
		cmocka_unit_test_setup_teardown(a_unix_socket_answers_and_leaves_nothing, web_setup,
	                                        web_teardown),
		cmocka_unit_test_setup_teardown(behind_https_the_cookie_is_held_to_its_host,
	                                        web_setup, web_teardown),
	};
	return cmocka_run_group_tests_name("admin/listen", tests, NULL, NULL);
}
