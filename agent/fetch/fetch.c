#include "fetch/fetch.h"

#include "core/clock.h"
#include "core/thread.h"
#include "fetch/curlloop.h"
#include "fetch/requests.h"
#include "fetch/transfer.h"

#include <errno.h>
#include <ev.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	DEFAULT_AGE_S = 300,
	AGE_MIN_S = 30, /* an issuer that says max-age=0 is asked no more often than this */
	FLOOR_S = 10,
	TIMEOUT_MS = 5000,
	BACKOFF_MAX_S = 300,
	EARLY_PERCENT = 80, /* of its age a document is fetched again */
};

struct fetch_watch {
	struct fetch *fetch;
	struct fetch_watch *next;
	char *url;
	fetch_done_fn *done;
	void *user;
	atomic_bool kicked;
	bool removed; /* under fetch->lock; the thread frees it */

	/* the thread's own */
	struct transfer transfer;
	uint64_t due_ns, tried_ns;

	struct fetch_status status; /* under fetch->lock */
};

struct fetch {
	pthread_t thread;
	struct ev_loop *loop;
	struct curlloop curl;
	ev_async wake;
	ev_timer schedule; /* the next watch that is due */
	atomic_bool stopping;
	pthread_mutex_t lock; /* list, status; never held while a callback of the user runs */
	pthread_cond_t idle;  /* no callback of a removed watch is running */
	struct fetch_watch *watches;
	struct fetch_watch *calling; /* whose done() runs now */
	char **hosts;
	size_t n_hosts;
	struct transfer_options transfers;
	struct requests requests;
	unsigned default_age_s, floor_s;
};

static const uint64_t second_ns = 1000000000U;

/* --- which URLs --- */

static bool host_allowed(const struct fetch *fetch, struct sv host)
{
	for (size_t i = 0; i < fetch->n_hosts; i++)
		if (sv_eq_ci(sv_of(fetch->hosts[i]), host))
			return true;
	return false;
}

/* libcurl's own parser, so that what is judged is what is asked. */
static bool http_host_allowed(const struct fetch *fetch, struct sv url)
{
	char *text = sv_dup(url), *scheme = NULL, *host = NULL;
	CURLU *parsed = curl_url();
	bool allowed = false;
	if (text && parsed && curl_url_set(parsed, CURLUPART_URL, text, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
	    curl_url_get(parsed, CURLUPART_HOST, &host, 0) == CURLUE_OK)
		allowed = strcmp(scheme, "https") == 0 ||
		          (strcmp(scheme, "http") == 0 && host_allowed(fetch, sv_of(host)));
	curl_free(scheme);
	curl_free(host);
	curl_url_cleanup(parsed);
	free(text);
	return allowed;
}

bool fetch_url_allowed(const struct fetch *fetch, struct sv url)
{
	bool has_scheme = sv_starts(url, SVL("https://")) || sv_starts(url, SVL("http://"));
	return has_scheme && http_host_allowed(fetch, url);
}

/* --- one try --- */

/* How long until the next try, in seconds. */
static unsigned pause_after(const struct fetch_watch *watch, bool good, unsigned n_failed)
{
	const struct fetch *fetch = watch->fetch;
	if (good) {
		long said = watch->transfer.max_age_s;
		long age = said < 0 ? (long)fetch->default_age_s : said;
		age = age < AGE_MIN_S ? AGE_MIN_S : age;
		return (unsigned)(age * EARLY_PERCENT / 100);
	}
	unsigned pause = fetch->floor_s;
	for (unsigned i = 1; i < n_failed && pause < BACKOFF_MAX_S; i++)
		pause *= 2;
	return pause < BACKOFF_MAX_S ? pause : BACKOFF_MAX_S;
}

static void note_result(struct fetch_watch *watch, bool good, const char *error)
{
	struct fetch_status *s = &watch->status;
	int64_t now = clock_real_us() / 1000000;
	(void)pthread_mutex_lock(&watch->fetch->lock);
	s->tried_at = now;
	s->n_failed = good ? 0 : s->n_failed + 1;
	if (good)
		s->good_at = now;
	(void)snprintf(s->error, sizeof(s->error), "%s", good ? "" : error);
	unsigned pause = pause_after(watch, good, s->n_failed);
	s->next_at = now + pause;
	watch->due_ns = clock_mono_ns() + pause * second_ns;
	(void)pthread_mutex_unlock(&watch->fetch->lock);
}

/* The lock is not held while the user's function runs; fetch_watch_remove() waits for it to come back. */
static bool call_done(struct fetch_watch *watch, const struct fetch_result *result)
{
	struct fetch *fetch = watch->fetch;
	(void)pthread_mutex_lock(&fetch->lock);
	bool removed = watch->removed;
	if (!removed)
		fetch->calling = watch;
	(void)pthread_mutex_unlock(&fetch->lock);
	bool good = !removed && watch->done(watch->user, result);
	(void)pthread_mutex_lock(&fetch->lock);
	fetch->calling = NULL;
	(void)pthread_cond_broadcast(&fetch->idle);
	(void)pthread_mutex_unlock(&fetch->lock);
	return good;
}

static void on_transferred(void *user, CURLcode code)
{
	struct fetch_watch *watch = user;
	struct fetch_result result;
	transfer_result(&watch->transfer, code, &result);
	bool good = call_done(watch, &result) && result.ok;
	note_result(watch, good, result.ok ? "the answer is not what was asked for" : result.error);
	transfer_end(&watch->transfer, watch->fetch->curl.multi);
}

static void begin(struct fetch_watch *watch)
{
	struct fetch *fetch = watch->fetch;
	const struct fetch_result failed = {.error = "the transfer could not be set up"};
	const struct transfer_request request = {.url = watch->url};
	atomic_store(&watch->kicked, false);
	watch->tried_ns = clock_mono_ns();
	watch->transfer.done = on_transferred;
	watch->transfer.user = watch;
	if (transfer_begin(&watch->transfer, fetch->curl.multi, &request, &fetch->transfers))
		return;
	(void)call_done(watch, &failed);
	note_result(watch, false, failed.error);
}

/* --- the plan --- */

static void drop(struct fetch_watch *watch)
{
	transfer_end(&watch->transfer, watch->fetch->curl.multi);
	free(watch->url);
	free(watch);
}

/* Takes the removed out of the list and frees them. */
static void sweep(struct fetch *fetch)
{
	struct fetch_watch *gone = NULL;
	(void)pthread_mutex_lock(&fetch->lock);
	for (struct fetch_watch **at = &fetch->watches; *at;) {
		struct fetch_watch *watch = *at;
		if (!watch->removed) {
			at = &watch->next;
			continue;
		}
		*at = watch->next;
		watch->next = gone;
		gone = watch;
	}
	(void)pthread_mutex_unlock(&fetch->lock);
	while (gone) {
		struct fetch_watch *next = gone->next;
		drop(gone);
		gone = next;
	}
}

/* When a watch is to be tried: its plan, or at once when it was kicked, but not within the floor. */
static uint64_t due_ns(const struct fetch_watch *watch)
{
	uint64_t floor = watch->tried_ns ? watch->tried_ns + watch->fetch->floor_s * second_ns : 0;
	if (!atomic_load(&watch->kicked))
		return watch->due_ns;
	return floor < watch->due_ns ? floor : watch->due_ns;
}

/* Starts all that is due and sets the timer for the next. The list only grows at its head meanwhile. */
static void plan(struct fetch *fetch)
{
	uint64_t next = UINT64_MAX, now = clock_mono_ns();
	requests_turn(&fetch->requests);
	sweep(fetch);
	(void)pthread_mutex_lock(&fetch->lock);
	struct fetch_watch *watch = fetch->watches;
	(void)pthread_mutex_unlock(&fetch->lock);
	for (; watch; watch = watch->next) {
		if (watch->transfer.easy)
			continue;
		if (due_ns(watch) <= now)
			begin(watch);
		uint64_t due = due_ns(watch);
		if (!watch->transfer.easy && due < next)
			next = due;
	}
	ev_timer_stop(fetch->loop, &fetch->schedule);
	if (next == UINT64_MAX)
		return;
	double seconds = next > now ? (double)(next - now) / 1e9 : 0.;
	ev_timer_set(&fetch->schedule, seconds, 0.);
	ev_timer_start(fetch->loop, &fetch->schedule);
}

static void on_schedule(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	plan(timer->data);
}

static void on_turned(void *owner)
{
	plan(owner);
}

static void on_wake(struct ev_loop *loop, ev_async *async, int events)
{
	struct fetch *fetch = async->data;
	(void)events;
	if (atomic_load(&fetch->stopping))
		ev_break(loop, EVBREAK_ALL);
	else
		plan(fetch);
}

static void *run(void *user)
{
	struct fetch *fetch = user;
	plan(fetch);
	ev_run(fetch->loop, 0);
	return NULL;
}

/* --- life --- */

static void fetch_free(struct fetch *fetch)
{
	if (!fetch)
		return;
	while (fetch->watches) {
		struct fetch_watch *next = fetch->watches->next;
		drop(fetch->watches);
		fetch->watches = next;
	}
	requests_fini(&fetch->requests);
	curlloop_fini(&fetch->curl);
	if (fetch->loop)
		ev_loop_destroy(fetch->loop);
	for (size_t i = 0; i < fetch->n_hosts; i++)
		free(fetch->hosts[i]);
	free(fetch->hosts);
	free(fetch->transfers.ca_file);
	(void)pthread_cond_destroy(&fetch->idle);
	(void)pthread_mutex_destroy(&fetch->lock);
	free(fetch);
}

static void fetch_freep(struct fetch **fetch)
{
	fetch_free(*fetch);
}

static int copy_hosts(struct fetch *fetch, const struct fetch_options *options)
{
	fetch->hosts = calloc(options->n_allow_http_hosts + 1, sizeof(char *));
	for (size_t i = 0; fetch->hosts && i < options->n_allow_http_hosts; i++) {
		fetch->hosts[i] = sv_dup(sv_of(options->allow_http_hosts[i]));
		if (!fetch->hosts[i])
			return -ENOMEM;
		fetch->n_hosts++;
	}
	if (options->ca_file)
		fetch->transfers.ca_file = sv_dup(sv_of(options->ca_file));
	return fetch->hosts && (fetch->transfers.ca_file || !options->ca_file) ? 0 : -ENOMEM;
}

static int make_loop(struct fetch *fetch)
{
	fetch->loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!fetch->loop)
		return -ENOMEM;
	ev_async_init(&fetch->wake, on_wake);
	ev_init(&fetch->schedule, on_schedule);
	fetch->wake.data = fetch->schedule.data = fetch;
	ev_async_start(fetch->loop, &fetch->wake);
	fetch->curl.loop = fetch->loop;
	fetch->curl.done = transfer_done;
	fetch->curl.turned = on_turned;
	fetch->curl.owner = fetch;
	int r = curlloop_init(&fetch->curl);
	fetch->requests.multi = fetch->curl.multi;
	return r;
}

int fetch_start(const struct fetch_options *options, struct fetch **ret)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		return -ENOMEM;
	CLEANUP(fetch_freep) struct fetch *fetch = calloc(1, sizeof(*fetch));
	if (!fetch)
		return -ENOMEM;
	(void)pthread_mutex_init(&fetch->lock, NULL);
	(void)pthread_cond_init(&fetch->idle, NULL);
	requests_init(&fetch->requests, &fetch->transfers);
	fetch->default_age_s = options->default_age_s ? options->default_age_s : DEFAULT_AGE_S;
	fetch->floor_s = options->floor_s ? options->floor_s : FLOOR_S;
	fetch->transfers.timeout_ms = options->timeout_ms ? options->timeout_ms : TIMEOUT_MS;
	int r = copy_hosts(fetch, options);
	if (r == 0)
		r = make_loop(fetch);
	if (r == 0)
		r = thread_start(&fetch->thread, "fetcher", THREAD_PROMPT, run, fetch);
	if (r)
		return r;
	*ret = TAKE(fetch);
	return 0;
}

int fetch_ask(struct fetch *fetch, const struct fetch_request *request, fetch_answered_fn *done,
              void *user)
{
	if (!fetch_url_allowed(fetch, sv_of(request->url)))
		return -EPERM;
	int r = requests_add(&fetch->requests, request, done, user);
	if (r == 0)
		ev_async_send(fetch->loop, &fetch->wake);
	return r;
}

void fetch_end_requests(struct fetch *fetch)
{
	requests_close(&fetch->requests);
	ev_async_send(fetch->loop, &fetch->wake);
}

void fetch_stop(struct fetch *fetch)
{
	if (!fetch)
		return;
	fetch_end_requests(fetch);
	atomic_store(&fetch->stopping, true);
	ev_async_send(fetch->loop, &fetch->wake);
	(void)pthread_join(fetch->thread, NULL);
	fetch_free(fetch);
}

int fetch_watch_add(struct fetch *fetch, const char *url, fetch_done_fn *done, void *user,
                    struct fetch_watch **ret)
{
	if (!fetch_url_allowed(fetch, sv_of(url)))
		return -EPERM;
	struct fetch_watch *watch = calloc(1, sizeof(*watch));
	char *copy = sv_dup(sv_of(url));
	if (!watch || !copy) {
		free(watch);
		free(copy);
		return -ENOMEM;
	}
	watch->fetch = fetch;
	watch->url = copy;
	watch->done = done;
	watch->user = user;
	(void)pthread_mutex_lock(&fetch->lock);
	watch->next = fetch->watches;
	fetch->watches = watch;
	(void)pthread_mutex_unlock(&fetch->lock);
	ev_async_send(fetch->loop, &fetch->wake);
	*ret = watch;
	return 0;
}

void fetch_watch_remove(struct fetch_watch *watch)
{
	if (!watch)
		return;
	struct fetch *fetch = watch->fetch;
	(void)pthread_mutex_lock(&fetch->lock);
	watch->removed = true;
	while (fetch->calling == watch)
		(void)pthread_cond_wait(&fetch->idle, &fetch->lock);
	(void)pthread_mutex_unlock(&fetch->lock);
	ev_async_send(fetch->loop, &fetch->wake);
}

void fetch_watch_kick(struct fetch_watch *watch)
{
	atomic_store(&watch->kicked, true);
	ev_async_send(watch->fetch->loop, &watch->fetch->wake);
}

void fetch_watch_status(struct fetch_watch *watch, struct fetch_status *ret)
{
	(void)pthread_mutex_lock(&watch->fetch->lock);
	*ret = watch->status;
	(void)pthread_mutex_unlock(&watch->fetch->lock);
}
