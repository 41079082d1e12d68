#include "server/worker.h"

#include "audit/journal.h"
#include "authn/authn.h"
#include "authn/mint.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/thread.h"
#include "policy/asks.h"
#include "policy/hits.h"
#include "policy/policy.h"
#include "policy/slot.h"
#include "policy/users.h"
#include "server/conn.h"
#include "server/learn.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

const uint32_t worker_took_bounds_ns[WORKER_TOOK_BUCKETS - 1] = {
	500, 1000, 2000, 5000, 10000, 25000, 50000, 100000, 250000, 1000000, 10000000,
};

static const uint64_t quiet_ns =
	100 * 1000000U; /* a connection that said nothing for so long is done */

/* A socket on its way from the main thread. */
struct handed {
	struct handed *next;
	int fd;
};

struct worker {
	pthread_t thread;
	struct worker_options options;
	struct worker_counters counters;
	struct conn_home home;
	ev_async wake, mail;
	ev_timer tick;
	ev_prepare turn;
	pthread_mutex_t lock; /* of handed */
	struct handed *handed;
	atomic_uint_fast64_t n_handed; /* in the list or being opened */
	atomic_bool draining;
	uint64_t drain_until_ns;
	bool is_running; /* main's: the thread is to be joined */
};

static void take_handed(struct worker *w)
{
	(void)pthread_mutex_lock(&w->lock);
	struct handed *list = TAKE(w->handed);
	(void)pthread_mutex_unlock(&w->lock);
	while (list) {
		struct handed *next = list->next;
		conn_open(&w->home, list->fd);
		atomic_fetch_sub(&w->n_handed, 1);
		free(list);
		list = next;
	}
}

/* Before the loop sleeps: the policy and tables of the next turn. A relaxed load each when nothing was published. */
static void refresh(struct worker *w)
{
	w->home.policy = policy_slot_refresh(w->options.slot, w->home.policy);
	policy_tables_look(w->options.tables, &w->home.tables);
}

static void drain(struct worker *w)
{
	uint64_t now = clock_mono_ns();
	if (w->drain_until_ns == 0)
		w->drain_until_ns = now + w->options.drain_ms * (uint64_t)1000000;
	conn_drain(&w->home, quiet_ns);
	if (now >= w->drain_until_ns)
		conn_close_all(&w->home);
	if (!w->home.conns)
		ev_break(w->home.loop, EVBREAK_ALL);
}

static void on_turn(struct ev_loop *loop, ev_prepare *prepare, int events)
{
	(void)loop;
	(void)events;
	refresh(prepare->data);
}

static void on_mail(struct ev_loop *loop, ev_async *async, int events)
{
	struct worker *w = async->data;
	struct conn_home *home = &w->home;
	const struct authn_ctx ctx = {
		.cache = home->tokens,
		.arena = &home->arena,
		.users = policy_users_revision(home->options->tables ? &home->tables : NULL),
		.now_s = clock_real_us() / 1000000};
	(void)loop;
	(void)events;
	for (struct authn_answer *answer = policy_mailbox_take(home->mailbox), *next; answer;
	     answer = next) {
		next = answer->next;
		if (home->policy)
			authn_keep(policy_authn(home->policy), &ctx, answer);
		if (answer->kind == AUTHN_ASK_LEARN)
			learn_answered(home, answer);
		parking_answered(&home->parking, answer->key, answer->is_good);
		arena_reset(&home->arena);
		authn_answer_free(answer);
	}
	conn_resume(home);
}

/* From whoever has the answer. */
static void mail_came(void *user)
{
	struct worker *w = user;
	ev_async_send(w->home.loop, &w->mail);
}

static void publish_token_counts(struct worker *w)
{
	struct tokencache_counts counts = tokencache_counts(w->home.tokens);
	atomic_store_explicit(&w->counters.n_token_hits, counts.n_hits, memory_order_relaxed);
	atomic_store_explicit(&w->counters.n_token_misses, counts.n_misses, memory_order_relaxed);
	atomic_store_explicit(&w->counters.n_parked, w->home.parking.n, memory_order_relaxed);
	struct minter_counts mints = minter_counts(w->home.minter);
	atomic_store_explicit(&w->counters.n_minted, mints.n_minted, memory_order_relaxed);
	atomic_store_explicit(&w->counters.n_mint_reused, mints.n_reused, memory_order_relaxed);
	atomic_store_explicit(&w->counters.n_mint_failed, mints.n_failed, memory_order_relaxed);
}

static void on_tick(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct worker *w = timer->data;
	(void)loop;
	(void)events;
	publish_token_counts(w);
	audit_journal_flush_gap(w->options.journal);
	if (atomic_load(&w->draining))
		drain(w);
}

static void on_wake(struct ev_loop *loop, ev_async *async, int events)
{
	struct worker *w = async->data;
	(void)events;
	take_handed(w);
	refresh(w);
	if (!atomic_load(&w->draining))
		return;
	w->tick.repeat = 0.02;
	ev_timer_again(loop, &w->tick);
	drain(w);
}

static void *run(void *user)
{
	struct worker *w = user;
	ev_run(w->home.loop, 0);
	conn_close_all(&w->home);
	return NULL;
}

void worker_free(struct worker *w)
{
	if (!w)
		return;
	worker_join(w);
	take_handed(w);
	conn_close_all(&w->home);
	policy_mailbox_close(w->home.mailbox);
	policy_unref(w->home.policy);
	policy_tables_leave(&w->home.tables);
	tokencache_free(w->home.tokens);
	minter_free(w->home.minter);
	arena_fini(&w->home.arena);
	if (w->home.loop)
		ev_loop_destroy(w->home.loop);
	(void)pthread_mutex_destroy(&w->lock);
	free(w);
}

static void worker_freep(struct worker **w)
{
	worker_free(*w);
}

static void start_watchers(struct worker *w)
{
	ev_async_init(&w->wake, on_wake);
	ev_async_init(&w->mail, on_mail);
	ev_timer_init(&w->tick, on_tick, 1., 1.);
	ev_prepare_init(&w->turn, on_turn);
	/* what was published before a request was sent is in force for it, also when both wake us together */
	ev_set_priority(&w->wake, EV_MAXPRI);
	w->wake.data = w->mail.data = w->tick.data = w->turn.data = w;
	ev_async_start(w->home.loop, &w->wake);
	ev_async_start(w->home.loop, &w->mail);
	ev_timer_start(w->home.loop, &w->tick);
	ev_prepare_start(w->home.loop, &w->turn);
}

int worker_start(const struct worker_options *options, struct worker **ret)
{
	CLEANUP(worker_freep) struct worker *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	(void)pthread_mutex_init(&w->lock, NULL);
	w->options = *options;
	w->home.options = &w->options;
	w->home.counters = &w->counters;
	w->home.loop = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
	w->home.tokens = tokencache_new(TOKENCACHE_ENTRIES);
	w->home.mailbox = policy_mailbox_new(mail_came, w);
	w->home.parking = (struct parking){.loop = w->home.loop,
	                                   .deadline_s = options->deadline_ms / 1e3,
	                                   .ready = conn_resume_one};
	w->home.minter = minter_new();
	w->home.hits = policy_hits_row(policy_slot_hits(options->slot));
	if (!w->home.loop || !w->home.tokens || !w->home.mailbox || !w->home.minter ||
	    !w->home.hits || arena_init(&w->home.arena, REQUEST_ARENA_BYTES) != 0)
		return -ENOMEM;
	start_watchers(w);
	char name[16];
	(void)snprintf(name, sizeof(name), "worker-%u", options->number);
	int r = thread_start(&w->thread, name, THREAD_PROMPT, run, w);
	if (r)
		return r;
	w->is_running = true;
	*ret = TAKE(w);
	return 0;
}

void worker_adopt(struct worker *w, int fd)
{
	struct handed *one = malloc(sizeof(*one));
	if (!one) {
		(void)close(fd);
		return;
	}
	one->fd = fd;
	atomic_fetch_add(&w->n_handed, 1);
	(void)pthread_mutex_lock(&w->lock);
	one->next = w->handed;
	w->handed = one;
	(void)pthread_mutex_unlock(&w->lock);
	ev_async_send(w->home.loop, &w->wake);
}

void worker_wake(struct worker *w)
{
	ev_async_send(w->home.loop, &w->wake);
}

void worker_drain(struct worker *w)
{
	atomic_store(&w->draining, true);
	worker_wake(w);
}

void worker_join(struct worker *w)
{
	if (!w->is_running)
		return;
	worker_drain(w);
	(void)pthread_join(w->thread, NULL);
	w->is_running = false;
}

const struct worker_counters *worker_counters(const struct worker *w)
{
	return &w->counters;
}

uint64_t worker_load(const struct worker *w)
{
	return atomic_load(&w->n_handed) +
	       atomic_load_explicit(&w->counters.n_connections, memory_order_relaxed);
}
