/* Requests that are made once: what reaches the server, and what becomes of every way it may answer. */
#include "core/clock.h"
#include "fetch/fetch.h"
#include "site.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 10000 };

#define HEAD(code, more) "HTTP/1.1 " code "\r\nConnection: close\r\n" more "\r\n"
#define JSON_OK          HEAD("200 OK", "Content-Type: application/json\r\nContent-Length: 2\r\n") "{}"

struct seen {
	pthread_mutex_t lock;
	unsigned n, n_ok;
	long status;
	char body[64], type[64], error[256];
};

static struct site site;
static struct fetch *fetch;
static struct seen seen;
static char url[64];

/* What the server read last: written before the answer, read after it came. */
static char request_text[4096];

static void copy(char *to, size_t room, struct sv text)
{
	(void)snprintf(to, room, "%.*s", SV_ARG(sv_first(text, room - 1)));
}

static void on_answer(void *user, const struct fetch_result *result)
{
	struct seen *s = user;
	(void)pthread_mutex_lock(&s->lock);
	s->n++;
	s->n_ok += result->ok;
	s->status = result->status;
	copy(s->body, sizeof(s->body), result->body);
	copy(s->type, sizeof(s->type), result->type);
	copy(s->error, sizeof(s->error), result->ok ? SVL("") : sv_of(result->error));
	(void)pthread_mutex_unlock(&s->lock);
}

static bool is_whole(const char *text)
{
	const char *body = strstr(text, "\r\n\r\n");
	const char *length = strcasestr(text, "content-length:");
	return body && (!length || strlen(body + 4) >= strtoul(length + 15, NULL, 10));
}

/* Keeps the connection for more requests, where the answer does not say that it closes. */
static void serve_whole(struct site *s, int fd)
{
	size_t n = 0;
	const char *answer = atomic_load(&s->answer);
	while (!atomic_load(&s->stop)) {
		struct pollfd readable = {.fd = fd, .events = POLLIN};
		if (poll(&readable, 1, 20) != 1)
			continue;
		ssize_t got = recv(fd, request_text + n, sizeof(request_text) - 1 - n, 0);
		if (got <= 0)
			return;
		n += (size_t)got;
		request_text[n] = '\0';
		if (!is_whole(request_text))
			continue;
		atomic_fetch_add(&s->n_requests, 1);
		(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
		n = 0;
		if (strstr(answer, "Connection: close"))
			return;
	}
}

static void open_all(const char *answer, void (*serve_one)(struct site *, int))
{
	static const char *const hosts[] = {"127.0.0.1"};
	const struct fetch_options options = {
		.allow_http_hosts = hosts, .n_allow_http_hosts = 1, .timeout_ms = 5000};
	seen = (struct seen){.lock = PTHREAD_MUTEX_INITIALIZER};
	site_open(&site, answer, serve_one);
	assert_int_equal(fetch_start(&options, &fetch), 0);
	(void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/introspect", site.port);
}

static int close_all(void **state)
{
	(void)state;
	fetch_stop(fetch);
	site_close(&site);
	return 0;
}

static void await(unsigned n)
{
	for (int i = 0; i < PATIENCE_MS; i++) {
		(void)pthread_mutex_lock(&seen.lock);
		bool done = seen.n >= n;
		(void)pthread_mutex_unlock(&seen.lock);
		if (done)
			return;
		usleep(1000);
	}
	fail_msg("no answer");
}

static void ask(const struct fetch_request *request)
{
	assert_int_equal(fetch_ask(fetch, request, on_answer, &seen), 0);
}

static void a_form_and_a_header_reach_the_server(void **state)
{
	(void)state;
	char form[] = "token=a%20b", header[] = "Basic eDp5";
	open_all(JSON_OK, serve_whole);
	const struct fetch_request request = {
		.url = url, .form = sv_of(form), .authorization = sv_of(header)};
	ask(&request);
	memset(form, 'x', sizeof(form)); /* copied before fetch_ask() returned */
	memset(header, 'x', sizeof(header));
	await(1);
	assert_int_equal(seen.n_ok, 1);
	assert_string_equal(seen.body, "{}");
	assert_string_equal(seen.type, "application/json");
	assert_non_null(strstr(request_text, "POST /introspect HTTP/1.1\r\n"));
	assert_non_null(strstr(request_text, "\r\nAuthorization: Basic eDp5\r\n"));
	assert_non_null(
		strstr(request_text, "\r\nContent-Type: application/x-www-form-urlencoded\r\n"));
	assert_non_null(strstr(request_text, "\r\nAccept: application/json\r\n"));
	assert_null(strcasestr(request_text, "\r\nExpect:"));
	assert_non_null(strstr(request_text, "\r\n\r\ntoken=a%20b"));
}

static void without_a_form_it_is_a_get(void **state)
{
	(void)state;
	open_all(JSON_OK, serve_whole);
	ask(&(struct fetch_request){.url = url});
	await(1);
	assert_int_equal(seen.n_ok, 1);
	assert_non_null(strstr(request_text, "GET /introspect HTTP/1.1\r\n"));
	assert_null(strcasestr(request_text, "authorization"));
}

static const struct {
	const char *answer;
	long status;
	const char *body, *error;
} answers[] = {
	{HEAD("401 Unauthorized", "Content-Length: 3\r\n") "bad", 401, "bad", "status 401"},
	{HEAD("400 Bad Request", "Content-Length: 2\r\n") "{}", 400, "{}", "status 400"},
	{HEAD("302 Found", "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n"), 302, "",
         "status 302"},
	{HEAD("307 Temporary Redirect", "Location: /other\r\nContent-Length: 0\r\n"), 307, "",
         "status 307"},
	{HEAD("200 OK", "Content-Length: 300000\r\n") "{}", 200, "", ""},
	{HEAD("200 OK", "Content-Length: 100\r\n") "{}", 200, "", ""},
	{"SSH-2.0-OpenSSH_9.2\r\nConnection: close\r\n", 0, "", ""},
};

static void what_is_no_answer_is_said(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		open_all(answers[i].answer, serve_whole);
		ask(&(struct fetch_request){.url = url, .form = SVL("token=x")});
		await(1);
		assert_int_equal(seen.n_ok, 0);
		assert_int_equal(seen.status, answers[i].status);
		assert_string_equal(seen.body, answers[i].body);
		assert_true(seen.error[0] && strstr(seen.error, answers[i].error));
		assert_int_equal(atomic_load(&site.n_requests), 1); /* no redirect was followed */
		if (i + 1 < ARRAY_LEN(answers))
			(void)close_all(NULL);
	}
}

static void who_does_not_answer_is_given_up_in_time(void **state)
{
	(void)state;
	open_all(NULL, site_serve_plain);
	uint64_t began = clock_mono_ns();
	ask(&(struct fetch_request){.url = url, .timeout_ms = 200});
	await(1);
	uint64_t took_ms = (clock_mono_ns() - began) / 1000000;
	assert_int_equal(seen.n_ok, 0);
	assert_true(took_ms >= 150 && took_ms < 3000);
}

static void a_dripping_answer_is_given_up_in_time(void **state)
{
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 5000\r\n") "0123456789", site_serve_plain);
	atomic_store(&site.drips, true);
	ask(&(struct fetch_request){.url = url, .timeout_ms = 300});
	await(1);
	assert_int_equal(seen.n_ok, 0);
}

static void count_connection(struct site *s, int fd)
{
	atomic_store(&s->hangs_up, false);
	static atomic_uint n_connections;
	unsigned n = atomic_fetch_add(&n_connections, 1) + 1;
	if (n > 1)
		fail_msg("a second connection");
	serve_whole(s, fd);
}

static void a_connection_is_used_again(void **state)
{
	(void)state;
	open_all("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}", count_connection);
	for (unsigned i = 1; i <= 5; i++) {
		ask(&(struct fetch_request){.url = url, .form = SVL("token=x")});
		await(i);
	}
	assert_int_equal(seen.n_ok, 5);
	assert_int_equal(atomic_load(&site.n_requests), 5);
}

static void what_may_not_be_asked_is_not(void **state)
{
	(void)state;
	static const char *const urls[] = {"http://idp.example/x", "ftp://127.0.0.1/x", "x", ""};
	open_all(JSON_OK, serve_whole);
	for (size_t i = 0; i < ARRAY_LEN(urls); i++)
		assert_int_equal(
			fetch_ask(fetch, &(struct fetch_request){.url = urls[i]}, on_answer, &seen),
			-EPERM);
	assert_int_equal(seen.n, 0);
}

/* The end: whoever waits is told, and nobody is taken any more. */
static void the_end_is_told_to_all(void **state)
{
	(void)state;
	open_all(NULL, site_serve_plain);
	for (unsigned i = 0; i < FETCH_REQUESTS_MAX; i++)
		ask(&(struct fetch_request){.url = url});
	assert_int_equal(fetch_ask(fetch, &(struct fetch_request){.url = url}, on_answer, &seen),
	                 -EAGAIN);
	fetch_end_requests(fetch);
	await(FETCH_REQUESTS_MAX);
	assert_int_equal(seen.n_ok, 0);
	assert_int_equal(fetch_ask(fetch, &(struct fetch_request){.url = url}, on_answer, &seen),
	                 -ESHUTDOWN);
}

static void stopping_tells_who_waits(void **state)
{
	(void)state;
	open_all(NULL, site_serve_plain);
	for (unsigned i = 0; i < 20; i++)
		ask(&(struct fetch_request){.url = url});
	(void)close_all(NULL);
	assert_int_equal(seen.n, 20);
	assert_int_equal(seen.n_ok, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(a_form_and_a_header_reach_the_server, close_all),
		cmocka_unit_test_teardown(without_a_form_it_is_a_get, close_all),
		cmocka_unit_test_teardown(what_is_no_answer_is_said, close_all),
		cmocka_unit_test_teardown(who_does_not_answer_is_given_up_in_time, close_all),
		cmocka_unit_test_teardown(a_dripping_answer_is_given_up_in_time, close_all),
		cmocka_unit_test_teardown(a_connection_is_used_again, close_all),
		cmocka_unit_test_teardown(what_may_not_be_asked_is_not, close_all),
		cmocka_unit_test_teardown(the_end_is_told_to_all, close_all),
		cmocka_unit_test(stopping_tells_who_waits),
	};
	return cmocka_run_group_tests_name("fetch/requests", tests, NULL, NULL);
}
