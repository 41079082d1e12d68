/* A watched document, from a server that answers as servers do on a bad day. */
#include "core/clock.h"
#include "fetch/fetch.h"
#include "site.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 10000 };

/* ---- our side ---- */

struct seen {
	pthread_mutex_t lock;
	unsigned n, n_ok;
	long status;
	char body[256], error[256];
	size_t n_body;
	bool likes;
};

static bool on_done(void *user, const struct fetch_result *result)
{
	struct seen *seen = user;
	(void)pthread_mutex_lock(&seen->lock);
	seen->n++;
	seen->n_ok += result->ok;
	seen->status = result->status;
	seen->n_body = result->body.n;
	snprintf(seen->body, sizeof(seen->body), "%.*s", SV_ARG(sv_first(result->body, 200)));
	snprintf(seen->error, sizeof(seen->error), "%s", result->error ? result->error : "");
	bool likes = seen->likes;
	(void)pthread_mutex_unlock(&seen->lock);
	return result->ok && likes;
}

static struct site site;
static struct fetch *fetch;
static struct fetch_watch *watch;
static struct seen seen;

static void open_all(const char *answer)
{
	static const char *const hosts[] = {"127.0.0.1"};
	const struct fetch_options options = {.allow_http_hosts = hosts,
	                                      .n_allow_http_hosts = 1,
	                                      .floor_s = 1,
	                                      .default_age_s = 600,
	                                      .timeout_ms = 700};
	char url[64];
	seen = (struct seen){.lock = PTHREAD_MUTEX_INITIALIZER, .likes = true};
	site_open(&site, answer, site_serve_plain);
	assert_int_equal(fetch_start(&options, &fetch), 0);
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/keys", site.port);
	assert_int_equal(fetch_watch_add(fetch, url, on_done, &seen, &watch), 0);
}

static int close_all(void **state)
{
	(void)state;
	fetch_stop(fetch);
	site_close(&site);
	return 0;
}

static unsigned n_seen(void)
{
	(void)pthread_mutex_lock(&seen.lock);
	unsigned n = seen.n;
	(void)pthread_mutex_unlock(&seen.lock);
	return n;
}

static void await_tries(unsigned n)
{
	for (int i = 0; i < PATIENCE_MS && n_seen() < n; i++)
		usleep(1000);
	assert_true(n_seen() >= n);
	usleep(20000); /* the status is written behind the call */
}

static struct fetch_status status(void)
{
	struct fetch_status s;
	fetch_watch_status(watch, &s);
	return s;
}

#define DRIPS            "0123456789012345678901234567890123456789012345678901234567890123456789"
#define HEAD(code, more) "HTTP/1.1 " code "\r\nConnection: close\r\n" more "\r\n"

static void a_document_is_fetched_and_kept_until_it_ages(void **state)
{
	(void)state;
	open_all(HEAD("200 OK",
	              "Content-Length: 2\r\nCache-Control: public, max-age=3600\r\n") "{}");
	await_tries(1);
	struct fetch_status s = status();
	assert_int_equal(seen.status, 200);
	assert_string_equal(seen.body, "{}");
	assert_true(s.good_at > 0 && s.n_failed == 0 && s.error[0] == '\0');
	/* again before it is stale, and not much before */
	assert_true(s.next_at > s.good_at + 1000 && s.next_at <= s.good_at + 3600);
	usleep(1200000);
	assert_int_equal(n_seen(), 1);
}

static void without_cache_control_the_default_holds(void **state)
{
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	await_tries(1);
	struct fetch_status s = status();
	assert_true(s.next_at > s.good_at + 100 && s.next_at <= s.good_at + 600);
}

/* Whatever the server says, it is not asked all the time, and not never. */
static void silly_ages_are_bounded(void **state)
{
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\nCache-Control: max-age=0\r\n") "{}");
	await_tries(1);
	struct fetch_status s = status();
	assert_true(s.next_at >= s.tried_at + 1);
	atomic_store(&site.answer, HEAD("200 OK", "Content-Length: 2\r\nCache-Control: "
	                                          "max-age=99999999999999999999\r\n") "{}");
	fetch_watch_kick(watch);
	await_tries(2);
	s = status();
	assert_true(s.next_at > s.tried_at && s.next_at <= s.tried_at + 600);
	atomic_store(
		&site.answer,
		HEAD("200 OK",
	             "Content-Length: 2\r\ncache-control:no-cache , MAX-AGE=31536000\r\n") "{}");
	fetch_watch_kick(watch);
	await_tries(3);
	s = status();
	assert_true(s.next_at > s.tried_at + 2000 && s.next_at <= s.tried_at + 3600);
}

static const struct {
	const char *what, *answer;
	long status;
} failures[] = {
	{"an error", HEAD("500 Internal Server Error", "Content-Length: 0\r\n"), 500},
	{"not there", HEAD("404 Not Found", "Content-Length: 2\r\n") "{}", 404},
	{"another place",
         HEAD("302 Found", "Location: http://127.0.0.1:1/\r\nContent-Length: 0\r\n"), 302},
	{"nothing new", HEAD("304 Not Modified", ""), 304},
	{"a part of it", HEAD("200 OK", "Content-Length: 100\r\n") "{\"keys\":", 200},
	{"no HTTP", "SSH-2.0-OpenSSH_9.2\r\n", 0},
	{"more than fits", HEAD("200 OK", "Content-Length: 300000\r\n") "{}", 200},
};

static void a_bad_answer_is_a_failure_with_a_sentence(void **state)
{
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(failures); i++) {
		open_all(failures[i].answer);
		await_tries(1);
		struct fetch_status s = status();
		if (seen.n_ok || !seen.error[0])
			print_error("%s\n", failures[i].what);
		assert_int_equal(seen.n_ok, 0);
		assert_true(seen.error[0] && s.error[0]);
		assert_int_equal(s.good_at, 0);
		assert_true(s.n_failed >= 1 && s.next_at > s.tried_at);
		if (failures[i].status != 200)
			assert_int_equal(seen.status, failures[i].status);
		if (i + 1 < ARRAY_LEN(failures))
			(void)close_all(NULL);
	}
}

/* Without a length, byte upon byte: cut off at the limit. */
static void an_endless_body_is_cut_off(void **state)
{
	static char endless[FETCH_BODY_MAX_BYTES + 4096];
	(void)state;
	int n = snprintf(endless, sizeof(endless), HEAD("200 OK", ""));
	memset(endless + n, 'x', sizeof(endless) - (size_t)n - 1);
	open_all(endless);
	await_tries(1);
	assert_int_equal(seen.n_ok, 0);
	assert_true(seen.error[0]);
}

static void who_does_not_answer_is_given_up(void **state)
{
	(void)state;
	open_all(NULL);
	uint64_t start = clock_mono_ns();
	await_tries(1);
	assert_int_equal(seen.n_ok, 0);
	assert_true(clock_mono_ns() - start < 5000000000U);
	atomic_store(&site.answer, HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	for (int i = 0; i < PATIENCE_MS && status().good_at == 0; i++)
		usleep(1000);
	assert_true(status().good_at > 0); /* by itself, once it is back */
	assert_int_equal(status().n_failed, 0);
}

/* Each byte comes in time, the whole never does. */
static void a_dripping_body_is_given_up(void **state)
{
	(void)state;
	open_all(NULL);
	atomic_store(&site.answer, HEAD("200 OK", "Content-Length: 200000\r\n") DRIPS DRIPS);
	atomic_store(&site.drips, true);
	await_tries(2); /* the first was given up as the one that got no answer */
	assert_int_equal(seen.n_ok, 0);
	assert_int_equal(seen.status, 200);
	assert_true(seen.error[0]);
}

static void pauses_grow_while_nobody_is_there(void **state)
{
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	await_tries(1);
	int64_t good_at = status().good_at;
	(void)shutdown(site.fd, SHUT_RD); /* connections are refused from here on */
	fetch_watch_kick(watch);
	await_tries(4); /* after 1, 1 and 2 seconds */
	struct fetch_status s = status();
	assert_int_equal(s.n_failed, 3);
	assert_in_range(s.next_at - s.tried_at, 4, 5);
	assert_int_equal(s.good_at, good_at);
	assert_int_equal(seen.status, 0);
}

static void who_hangs_up_is_tried_again(void **state)
{
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	await_tries(1);
	int64_t good_at = status().good_at;
	assert_true(good_at > 0);
	atomic_store(&site.hangs_up, true);
	fetch_watch_kick(watch);
	await_tries(2);
	struct fetch_status s = status();
	assert_true(s.n_failed >= 1 && s.error[0]);
	assert_int_equal(s.good_at, good_at); /* what was good stays so */
}

/* Kicks in the middle of verdicts, a thousand a second: one try a floor. */
static void kicks_do_not_add_up(void **state)
{
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	await_tries(1);
	for (int i = 0; i < 1500; i++) {
		fetch_watch_kick(watch);
		usleep(1000);
	}
	unsigned n = n_seen();
	assert_true(n >= 2 && n <= 4);
}

static void a_body_that_its_user_refuses_is_a_failure(void **state)
{
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\nCache-Control: max-age=3600\r\n") "{}");
	await_tries(1);
	(void)pthread_mutex_lock(&seen.lock);
	seen.likes = false;
	(void)pthread_mutex_unlock(&seen.lock);
	fetch_watch_kick(watch);
	await_tries(2);
	struct fetch_status s = status();
	assert_true(s.n_failed >= 1 && s.next_at < s.tried_at + 600);
}

static void what_may_be_asked(void **state)
{
	static const struct {
		const char *url;
		bool allowed;
	} rows[] = {
		{"https://idp.example/keys", true},
		{"http://127.0.0.1/keys", true},
		{"http://127.0.0.1:81/keys", true},
		{"http://idp.example/keys", false},
		{"http://127.0.0.1.evil.example/keys", false},
		{"http://127.0.0.1@evil.example/keys", false},
		{"http://evil.example/127.0.0.1", false},
		{"http://127.0.0.2/keys", false},
		{"file:///etc/passwd", false},
		{"ftp://127.0.0.1/keys", false},
		{"gopher://127.0.0.1/", false},
		{"127.0.0.1/keys", false},
		{"", false},
	};
	struct fetch_watch *none = NULL;
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		assert_int_equal(fetch_url_allowed(fetch, sv_of(rows[i].url)), rows[i].allowed);
		if (!rows[i].allowed)
			assert_int_equal(fetch_watch_add(fetch, rows[i].url, on_done, &seen, &none),
			                 -EPERM);
	}
	await_tries(1);
}

/* Watches come and go while transfers are under way, from several threads, and the last one out stops it all. */
static void *come_and_go(void *arg)
{
	struct seen *mine = arg;
	char url[64];
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/other", site.port);
	for (int i = 0; i < 30; i++) {
		struct fetch_watch *w;
		assert_int_equal(fetch_watch_add(fetch, url, on_done, mine, &w), 0);
		fetch_watch_kick(w);
		usleep((useconds_t)(i * 150));
		struct fetch_status s;
		fetch_watch_status(w, &s);
		fetch_watch_remove(w);
	}
	return NULL;
}

static void watches_come_and_go(void **state)
{
	static struct seen others[3];
	pthread_t threads[3];
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	for (int i = 0; i < 3; i++) {
		others[i] = (struct seen){.lock = PTHREAD_MUTEX_INITIALIZER, .likes = true};
		assert_int_equal(pthread_create(&threads[i], NULL, come_and_go, &others[i]), 0);
	}
	for (int i = 0; i < 3; i++)
		assert_int_equal(pthread_join(threads[i], NULL), 0);
	await_tries(1);
}

struct slow_call {
	atomic_bool runs, may_end, ended;
};

static bool call_slowly(void *user, const struct fetch_result *result)
{
	struct slow_call *call = user;
	atomic_store(&call->runs, true);
	while (!atomic_load(&call->may_end))
		usleep(1000);
	atomic_store(&call->ended, true);
	return result->ok;
}

static void *end_call(void *arg)
{
	struct slow_call *call = arg;
	usleep(100000);
	atomic_store(&call->may_end, true);
	return NULL;
}

/* What the call uses may be freed once removal is back. */
static void removal_waits_for_the_call(void **state)
{
	static struct slow_call call;
	struct fetch_watch *slow;
	pthread_t ender;
	char url[64];
	(void)state;
	open_all(HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	snprintf(url, sizeof(url), "http://127.0.0.1:%u/slow", site.port);
	assert_int_equal(fetch_watch_add(fetch, url, call_slowly, &call, &slow), 0);
	for (int i = 0; i < PATIENCE_MS && !atomic_load(&call.runs); i++)
		usleep(1000);
	assert_true(atomic_load(&call.runs));
	assert_int_equal(pthread_create(&ender, NULL, end_call, &call), 0);
	fetch_watch_remove(slow);
	assert_true(atomic_load(&call.ended));
	assert_int_equal(pthread_join(ender, NULL), 0);
}

/* ---- names ---- */

static atomic_uint n_lookups, n_looked_up;
static atomic_bool lookups_end;

/* libcurl's lookups come here. Numbers need none. */
__attribute__((visibility("default"))) int getaddrinfo(const char *name, const char *service,
                                                       const struct addrinfo *hints,
                                                       struct addrinfo **ret)
{
	(void)name;
	(void)service;
	(void)hints;
	(void)ret;
	atomic_fetch_add(&n_lookups, 1);
	for (int i = 0; i < PATIENCE_MS && !atomic_load(&lookups_end); i++)
		usleep(1000);
	atomic_fetch_add(&n_looked_up, 1);
	return EAI_AGAIN;
}

static void a_name_server_that_does_not_answer_holds_up_nobody(void **state)
{
	static struct seen lost;
	struct fetch_watch *nowhere;
	(void)state;
	lost = (struct seen){.lock = PTHREAD_MUTEX_INITIALIZER, .likes = true};
	open_all(HEAD("200 OK", "Content-Length: 2\r\n") "{}");
	assert_int_equal(fetch_watch_add(fetch, "https://idp.test/keys", on_done, &lost, &nowhere),
	                 0);
	for (int i = 0; i < PATIENCE_MS && !atomic_load(&n_lookups); i++)
		usleep(1000);
	assert_true(atomic_load(&n_lookups) > 0);
	usleep(1000000); /* longer than the timeout of a transfer */
	fetch_watch_kick(watch);
	await_tries(2);
	assert_true(status().good_at > 0);
	struct fetch_status s;
	fetch_watch_status(nowhere, &s);
	assert_true(s.n_failed > 0 && s.error[0]);
	for (int i = 0; i < PATIENCE_MS && atomic_load(&n_lookups) < 2; i++)
		usleep(1000); /* until the next try is under way */
	uint64_t start = clock_mono_ns();
	fetch_stop(fetch);
	fetch = NULL;
	assert_true(clock_mono_ns() - start < 500000000U);
	atomic_store(&lookups_end, true);
	while (atomic_load(&n_looked_up) < atomic_load(&n_lookups))
		usleep(1000);
	usleep(50000); /* libcurl's threads of them go */
}

/* A stop in the middle of a transfer does not wait for it. */
static void a_stop_waits_for_nobody(void **state)
{
	(void)state;
	open_all(NULL);
	for (int i = 0; i < PATIENCE_MS && atomic_load(&site.n_requests) == 0; i++)
		usleep(1000);
	uint64_t start = clock_mono_ns();
	fetch_stop(fetch);
	fetch = NULL;
	assert_true(clock_mono_ns() - start < 500000000U);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_teardown(name, close_all)
	const struct CMUnitTest tests[] = {
		TEST(a_document_is_fetched_and_kept_until_it_ages),
		TEST(without_cache_control_the_default_holds),
		TEST(silly_ages_are_bounded),
		TEST(a_bad_answer_is_a_failure_with_a_sentence),
		TEST(an_endless_body_is_cut_off),
		TEST(who_does_not_answer_is_given_up),
		TEST(who_hangs_up_is_tried_again),
		TEST(kicks_do_not_add_up),
		TEST(a_body_that_its_user_refuses_is_a_failure),
		TEST(what_may_be_asked),
		TEST(a_dripping_body_is_given_up),
		TEST(pauses_grow_while_nobody_is_there),
		TEST(removal_waits_for_the_call),
		TEST(a_name_server_that_does_not_answer_holds_up_nobody),
		TEST(watches_come_and_go),
		TEST(a_stop_waits_for_nobody),
	};
	return cmocka_run_group_tests(tests, NULL, NULL);
}
