#include "server/server.h"

#include "audit/journal.h"
#include "core/clock.h"
#include "core/diag.h"
#include "core/log.h"
#include "server/address.h"
#include "server/sdnotify.h"
#include "spop/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const struct json_field spop_option_fields[] = {
	{.name = "listen",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct spop_options, listen)},
	{.name = "workers",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct spop_options, workers),
         .min = 0,
         .max = 64},
	{.name = "max_connections",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct spop_options, max_connections),
         .min = 1,
         .max = 100000},
	{.name = "max_frame_size",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct spop_options, max_frame_size),
         .min = SPOP_FRAME_SIZE_MIN,
         .max = SPOP_FRAME_SIZE_MAX},
	{.name = "socket_mode",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct spop_options, socket_mode),
         .min = 3,
         .max = 4},
	{.name = "drain_ms",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct spop_options, drain_ms),
         .min = 0,
         .max = 600000},
	{.name = "deadline_ms",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct spop_options, deadline_ms),
         .min = 10,
         .max = 60000},
	{.name = "login_deadline_ms",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct spop_options, login_deadline_ms),
         .min = 10,
         .max = 60000},
};
const size_t n_spop_option_fields = ARRAY_LEN(spop_option_fields);

const struct json_field accounting_option_fields[] = {
	{.name = "listen",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct accounting_options, listen)},
};
const size_t n_accounting_option_fields = ARRAY_LEN(accounting_option_fields);

enum { WORKERS_MAX = 64, LISTENERS_MAX = 32, FIRST_PASSED_FD = 3 };

static const double accept_pause_seconds = 1.; /* out of descriptors: others must close first */

/* What another process changed is in force within a third of a second. */
static const double watch_seconds = .1;

struct listener {
	struct server *server;
	ev_io io;
	bool accounting;
};

struct server {
	struct server_deps deps;
	struct ev_loop *loop;
	struct worker *workers[WORKERS_MAX];
	size_t n_workers;
	struct listener listeners[LISTENERS_MAX];
	size_t n_listeners;
	struct loglisten *log;
	atomic_uint_fast64_t n_refused; /* connections over the limit; written by main alone */
	struct log_pace refused;
	ev_timer accept_pause, watchdog, tick, watch, note;
	ev_signal term, interrupt, hangup, usr1;
	ev_async stop;
};

unsigned server_worker_count(const struct spop_options *options)
{
	long n = options->workers ? (long)options->workers : sysconf(_SC_NPROCESSORS_ONLN);
	if (n < 1)
		return 1;
	return n > WORKERS_MAX ? WORKERS_MAX : (unsigned)n;
}

static struct worker *least_loaded(const struct server *s, uint64_t *load_of_all)
{
	struct worker *best = NULL;
	uint64_t best_load = UINT64_MAX;
	*load_of_all = 0;
	for (size_t i = 0; i < s->n_workers; i++) {
		uint64_t load = worker_load(s->workers[i]);
		*load_of_all += load;
		if (load < best_load) {
			best = s->workers[i];
			best_load = load;
		}
	}
	return best;
}

static void log_refused(struct server *s, uint64_t load)
{
	uint64_t n_left_out;
	counter_add(&s->n_refused, 1);
	if (log_pace_due(&s->refused, clock_mono_ns(), &n_left_out))
		log_event(LOG_WARNING, "connection_refused",
		          "n_connections=%llu cause=\"spop.max_connections\" n_not_logged=%llu",
		          (unsigned long long)load, (unsigned long long)n_left_out);
}

static void hand_over(struct server *s, int fd)
{
	uint64_t load;
	struct worker *w = least_loaded(s, &load);
	if (load >= (uint64_t)s->deps.spop->max_connections) {
		log_refused(s, load);
		(void)close(fd);
		return;
	}
	worker_adopt(w, fd);
}

static void watch_listeners(struct server *s, bool on)
{
	for (size_t i = 0; i < s->n_listeners; i++) {
		if (on)
			ev_io_start(s->loop, &s->listeners[i].io);
		else
			ev_io_stop(s->loop, &s->listeners[i].io);
	}
}

static bool out_of_resources(int error)
{
	return error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM;
}

static void on_accept(struct ev_loop *loop, ev_io *io, int events)
{
	struct listener *l = io->data;
	struct server *s = l->server;
	(void)events;
	for (int i = 0; i < 64; i++) { /* others on this loop get their turn */
		int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		if (fd >= 0 && l->accounting) {
			loglisten_adopt(s->log, fd);
		} else if (fd >= 0) {
			hand_over(s, fd);
		} else if (out_of_resources(errno)) {
			log_event(LOG_ERROR, "accept_failed", "errno=%d pause_s=%.0f", errno,
			          accept_pause_seconds);
			watch_listeners(s, false);
			ev_timer_again(loop, &s->accept_pause);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

static void on_accept_pause(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)events;
	ev_timer_stop(loop, timer);
	watch_listeners(timer->data, true);
}

static void on_watchdog(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)timer;
	(void)events;
	sdnotify("WATCHDOG=1");
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct server *s = timer->data;
	(void)loop;
	(void)events;
	audit_journal_flush_gap(audit_journals_main(s->deps.journals));
}

static void on_watch(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct server *s = timer->data;
	(void)loop;
	(void)events;
	if (s->deps.watch)
		s->deps.watch(s->deps.user);
}

static void on_note(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct server *s = timer->data;
	(void)loop;
	(void)events;
	if (s->deps.note)
		s->deps.note(s->deps.user);
}

static void on_stop_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)events;
	log_event(LOG_NOTICE, "stopping", "signal=%d", signal->signum);
	ev_break(loop, EVBREAK_ALL);
}

static void on_stop(struct ev_loop *loop, ev_async *async, int events)
{
	(void)async;
	(void)events;
	ev_break(loop, EVBREAK_ALL);
}

static void on_hangup(struct ev_loop *loop, ev_signal *signal, int events)
{
	struct server *s = signal->data;
	(void)loop;
	(void)events;
	sdnotify("RELOADING=1");
	if (s->deps.reload)
		s->deps.reload(s->deps.user);
	sdnotify("READY=1");
}

static void on_usr1(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)loop;
	(void)signal;
	(void)events;
	log_reopen();
}

static int add_listener(struct server *s, int fd, bool accounting)
{
	if (s->n_listeners == LISTENERS_MAX) {
		(void)close(fd);
		return -E2BIG;
	}
	struct listener *l = &s->listeners[s->n_listeners++];
	*l = (struct listener){.server = s, .accounting = accounting};
	ev_io_init(&l->io, on_accept, fd, EV_READ);
	l->io.data = l;
	return 0;
}

static int bind_one(struct server *s, const char *text, const char *pointer, bool accounting,
                    struct diag *d)
{
	struct address address;
	char words[128];
	if (!address_parse(text, &address)) {
		diag_add(d, pointer, "bad_address",
		         "'%s' is no address: IP:PORT, [IPv6]:PORT, unix@PATH or abns@NAME is "
		         "expected",
		         text);
		return -EINVAL;
	}
	unsigned mode = (unsigned)strtoul(s->deps.spop->socket_mode, NULL, 8);
	int fd = address_listen(&address, mode & 0777);
	int r = fd < 0 ? fd : add_listener(s, fd, accounting);
	if (r == 0)
		return 0;
	diag_add(d, pointer, "cannot_listen", "cannot listen on '%s': %s", text,
	         r == -E2BIG ? "there are too many" : strerror_r(-r, words, sizeof(words)));
	return -EINVAL;
}

static int bind_all(struct server *s, const struct json_strings *list, const char *section,
                    bool accounting, struct diag *d)
{
	int result = 0;
	for (size_t i = 0; i < list->n; i++) {
		char pointer[64];
		(void)snprintf(pointer, sizeof(pointer), "/%s/listen/%zu", section, i);
		int r = bind_one(s, list->at[i], pointer, accounting, d);
		if (r)
			result = r;
	}
	return result;
}

/* Sockets that systemd opened take the place of spop.listen. */
static int take_passed(struct server *s, unsigned n)
{
	for (unsigned i = 0; i < n; i++) {
		int fd = FIRST_PASSED_FD + (int)i;
		(void)fcntl(fd, F_SETFD, FD_CLOEXEC);
		(void)fcntl(fd, F_SETFL, O_NONBLOCK | fcntl(fd, F_GETFL));
		int r = add_listener(s, fd, false);
		if (r)
			return r;
	}
	return 0;
}

static int start_listeners(struct server *s, struct diag *d)
{
	unsigned n_passed = sdnotify_listen_fds();
	int r = n_passed ? take_passed(s, n_passed)
	                 : bind_all(s, &s->deps.spop->listen, "spop", false, d);
	int r2 = bind_all(s, &s->deps.accounting->listen, "accounting", true, d);
	return r ? r : r2;
}

static int start_workers(struct server *s)
{
	unsigned n = server_worker_count(s->deps.spop);
	for (unsigned i = 0; i < n; i++) {
		const struct worker_options options = {
			.number = i,
			.forwarded = s->deps.forwarded,
			.max_frame_size = (uint32_t)s->deps.spop->max_frame_size,
			.drain_ms = (unsigned)s->deps.spop->drain_ms,
			.deadline_ms = (unsigned)s->deps.spop->deadline_ms,
			.login_deadline_ms = (unsigned)s->deps.spop->login_deadline_ms,
			.slot = s->deps.slot,
			.logins = s->deps.logins,
			.asks = s->deps.asks,
			.learner = s->deps.learner,
			.dpop = s->deps.dpop,
			.limiter = s->deps.limiter,
			.tables = s->deps.tables,
			.journal = audit_journals_worker(s->deps.journals, i),
		};
		if (!options.journal)
			return -EINVAL;
		int r = worker_start(&options, &s->workers[i]);
		if (r)
			return r;
		s->n_workers++;
	}
	return 0;
}

static void start_signal(struct server *s, ev_signal *watcher,
                         void (*handler)(struct ev_loop *, ev_signal *, int), int number)
{
	ev_signal_init(watcher, handler, number);
	watcher->data = s;
	ev_signal_start(s->loop, watcher);
}

static void start_watchers(struct server *s)
{
	double every = sdnotify_watchdog_seconds();
	ev_timer_init(&s->accept_pause, on_accept_pause, 0., accept_pause_seconds);
	ev_timer_init(&s->watchdog, on_watchdog, every, every);
	ev_timer_init(&s->tick, on_tick, 1., 1.);
	ev_async_init(&s->stop, on_stop);
	ev_timer_init(&s->watch, on_watch, watch_seconds, watch_seconds);
	ev_timer_init(&s->note, on_note, 60., 60.);
	s->accept_pause.data = s->tick.data = s->watch.data = s->note.data = s;
	ev_timer_start(s->loop, &s->tick);
	ev_timer_start(s->loop, &s->watch);
	ev_timer_start(s->loop, &s->note);
	ev_async_start(s->loop, &s->stop);
	if (every > 0.)
		ev_timer_start(s->loop, &s->watchdog);
	start_signal(s, &s->term, on_stop_signal, SIGTERM);
	start_signal(s, &s->interrupt, on_stop_signal, SIGINT);
	start_signal(s, &s->hangup, on_hangup, SIGHUP);
	start_signal(s, &s->usr1, on_usr1, SIGUSR1);
}

/* Signal watchers outlive the loop inside libev, with a descriptor that may be another's by then. What is
 * sent from here on changes nothing: we are on our way out. */
static void stop_signals(struct server *s)
{
	ev_signal *const watchers[] = {&s->term, &s->interrupt, &s->hangup, &s->usr1};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	sigset_t all, before;
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	for (size_t i = 0; i < ARRAY_LEN(watchers); i++) {
		if (!ev_is_active(watchers[i]))
			continue;
		ev_signal_stop(s->loop, watchers[i]); /* leaves the default: our death */
		(void)sigaction(watchers[i]->signum, &ignore, NULL);
	}
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
}

static void server_freep(struct server **s)
{
	server_free(*s);
}

int server_new(const struct server_deps *deps, struct diag *d, struct server **ret)
{
	CLEANUP(server_freep) struct server *s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->deps = *deps;
	s->loop = ev_default_loop(EVFLAG_AUTO | EVFLAG_NOENV);
	if (!s->loop)
		return -ENOMEM;
	start_watchers(s);
	s->log = loglisten_new(s->loop, audit_journals_main(deps->journals));
	int r = s->log ? start_listeners(s, d) : -ENOMEM;
	if (r == 0)
		r = start_workers(s);
	if (r)
		return r;
	*ret = TAKE(s);
	return 0;
}

static void close_listeners(struct server *s)
{
	watch_listeners(s, false);
	for (size_t i = 0; i < s->n_listeners; i++)
		(void)close(s->listeners[i].io.fd);
	s->n_listeners = 0;
}

void server_run(struct server *s)
{
	watch_listeners(s, true);
	sdnotify("READY=1");
	ev_run(s->loop, 0);
	sdnotify("STOPPING=1");
	close_listeners(s);
	for (size_t i = 0; i < s->n_workers; i++)
		worker_drain(s->workers[i]);
	for (size_t i = 0; i < s->n_workers; i++)
		worker_join(s->workers[i]);
	if (s->deps.note)
		s->deps.note(s->deps.user);
}

void server_stop(struct server *s)
{
	ev_async_send(s->loop, &s->stop);
}

void server_wake(struct server *s)
{
	for (size_t i = 0; i < s->n_workers; i++)
		worker_wake(s->workers[i]);
}

void server_free(struct server *s)
{
	if (!s)
		return;
	close_listeners(s);
	for (size_t i = 0; i < s->n_workers; i++)
		worker_drain(s->workers[i]);
	while (s->n_workers)
		worker_free(s->workers[--s->n_workers]);
	loglisten_free(s->log);
	if (s->loop) {
		stop_signals(s);
		ev_loop_destroy(s->loop);
	}
	free(s);
}

static unsigned nth_port(const struct server *s, size_t n, bool accounting)
{
	for (size_t i = 0; i < s->n_listeners; i++)
		if (s->listeners[i].accounting == accounting && n-- == 0)
			return address_port(s->listeners[i].io.fd);
	return 0;
}

unsigned server_port(const struct server *s, size_t n)
{
	return nth_port(s, n, false);
}

unsigned server_accounting_port(const struct server *s, size_t n)
{
	return nth_port(s, n, true);
}

size_t server_n_workers(const struct server *s)
{
	return s->n_workers;
}

const struct worker_counters *server_worker(const struct server *s, size_t n)
{
	return worker_counters(s->workers[n]);
}

uint64_t server_n_refused(const struct server *s)
{
	return atomic_load_explicit(&s->n_refused, memory_order_relaxed);
}

const struct loglisten_counters *server_accounting(const struct server *s)
{
	return loglisten_counters(s->log);
}
