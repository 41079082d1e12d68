#include "audit/writer.h"

#include "audit/drain.h"
#include "audit/index.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"
#include "core/thread.h"

#include <errno.h>
#include <stdlib.h>
#include <time.h>

enum {
	RETRY_FIRST_MS = 50,
	RETRY_MAX_MS = 1000,
	COMPLAIN_EVERY_MS = 60000,
	READER_CHECK_MS = 60000,
	SYNC_POLL_MS = 2,
};

struct audit_writer {
	struct audit_store *store;
	unsigned commit_interval_ms, index_interval_ms;
	pthread_t writer, indexer;
	bool has_writer, has_indexer;

	pthread_mutex_t lock; /* over stop, hurry and the two conditions, nothing else */
	pthread_cond_t wake_writer, wake_indexer;
	bool stop_writer, stop_indexer, hurry;

	/* the writer thread's own */
	struct drain drain;
	uint64_t complained_ms, reader_check_ms;

	_Atomic bool failing;
	_Atomic int error;
	_Atomic uint64_t n_failures, n_commits, committed_seq, indexed_seq, last_commit_us;
};

#define GET(field)        atomic_load_explicit(&(field), memory_order_relaxed)
#define SET(field, value) atomic_store_explicit(&(field), (value), memory_order_relaxed)

static uint64_t now_ms(void)
{
	return clock_mono_ns() / 1000000;
}

/* ---- waiting ---- */

static void wait_ms(struct audit_writer *w, pthread_cond_t *cond, unsigned ms)
{
	struct timespec until;
	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_sec += ms / 1000;
	until.tv_nsec += (long)(ms % 1000) * 1000000;
	if (until.tv_nsec >= 1000000000) {
		until.tv_nsec -= 1000000000;
		until.tv_sec++;
	}
	(void)pthread_cond_timedwait(cond, &w->lock, &until);
}

/* Sleeps unless there is a reason not to; tells whether to stop. */
static bool writer_rest(struct audit_writer *w, unsigned ms)
{
	(void)pthread_mutex_lock(&w->lock);
	if (!w->stop_writer && !w->hurry && ms)
		wait_ms(w, &w->wake_writer, ms);
	w->hurry = false;
	bool stop = w->stop_writer;
	(void)pthread_mutex_unlock(&w->lock);
	return stop;
}

static bool indexer_rest(struct audit_writer *w, unsigned ms)
{
	(void)pthread_mutex_lock(&w->lock);
	if (!w->stop_indexer && ms)
		wait_ms(w, &w->wake_indexer, ms);
	bool stop = w->stop_indexer;
	(void)pthread_mutex_unlock(&w->lock);
	return stop;
}

static void wake(struct audit_writer *w, pthread_cond_t *cond, bool *flag)
{
	(void)pthread_mutex_lock(&w->lock);
	if (flag)
		*flag = true;
	(void)pthread_cond_signal(cond);
	(void)pthread_mutex_unlock(&w->lock);
}

/* ---- failure ---- */

static void complain(struct audit_writer *w, int error)
{
	uint64_t now = now_ms();
	SET(w->n_failures, GET(w->n_failures) + 1);
	SET(w->error, error);
	if (GET(w->failing) && now - w->complained_ms < COMPLAIN_EVERY_MS)
		return;
	SET(w->failing, true);
	w->complained_ms = now;
	log_event(LOG_ERROR, "audit_write_failed", "errno=%d n_failures=%llu", -error,
	          (unsigned long long)GET(w->n_failures));
}

static void rejoice(struct audit_writer *w)
{
	if (!GET(w->failing))
		return;
	SET(w->failing, false);
	SET(w->error, 0);
	log_event(LOG_NOTICE, "audit_write_recovered", "seq=%llu",
	          (unsigned long long)GET(w->committed_seq));
}

/* ---- threads ---- */

/* One commit; *ret_n records were found. */
static int commit_batch(struct audit_writer *w, unsigned *ret_n)
{
	uint64_t start_ns = clock_mono_ns(), before = w->store->head.seq;
	int r = drain_commit(&w->drain, ret_n);
	if (r != 0 || w->store->head.seq == before)
		return r;
	SET(w->n_commits, GET(w->n_commits) + 1);
	SET(w->committed_seq, w->store->head.seq);
	SET(w->last_commit_us, (clock_mono_ns() - start_ns) / 1000);
	return 0;
}

static int recover(struct audit_writer *w)
{
	int r = drain_recover(&w->drain);
	SET(w->committed_seq, w->store->head.seq);
	return r;
}

static void check_readers(struct audit_writer *w)
{
	int dead;
	uint64_t now = now_ms();
	if (now - w->reader_check_ms < READER_CHECK_MS || !w->store->events)
		return;
	w->reader_check_ms = now;
	(void)mdb_reader_check(w->store->events, &dead);
}

static void after_commit(struct audit_writer *w)
{
	rejoice(w);
	check_readers(w);
	if (GET(w->committed_seq) - GET(w->indexed_seq) >= INDEX_BATCH)
		wake(w, &w->wake_indexer, NULL);
}

static void *writer_main(void *argument)
{
	struct audit_writer *w = argument;
	unsigned retry_ms = RETRY_FIRST_MS, n = 0;
	uint64_t stop_ms = 0;
	for (;;) {
		int r = commit_batch(w, &n);
		if (r == 0) {
			retry_ms = RETRY_FIRST_MS;
			after_commit(w);
		} else {
			complain(w, r);
			if (recover(w) != 0 || r == -ENOSPC)
				retry_ms = MIN_OF(retry_ms * 2, (unsigned)RETRY_MAX_MS);
		}
		unsigned rest_ms = r != 0                   ? retry_ms
		                   : n < DRAIN_TURN_RECORDS ? w->commit_interval_ms
		                                            : 0;
		bool stop = writer_rest(w, rest_ms);
		bool is_last_turn = stop_ms != 0; /* begun after the stop was asked for */
		if (stop && !is_last_turn)
			stop_ms = now_ms();
		if (is_last_turn && ((r == 0 && n == 0) || now_ms() - stop_ms > AUDIT_STOP_MS))
			return NULL;
	}
}

static int index_turn(struct audit_writer *w, struct index_work *work, uint64_t *behind)
{
	uint64_t seq = 0;
	int r = index_update(w->store, work, &seq, behind);
	if (r == -EBADMSG) {
		log_event(LOG_WARNING, "audit_index_rebuild", "errno=%d", -r);
		r = index_reset(w->store);
	} else if (r == 0) {
		SET(w->indexed_seq, seq);
	}
	return r;
}

static void *indexer_main(void *argument)
{
	struct audit_writer *w = argument;
	struct index_work *work = index_work_new();
	uint64_t behind = 0, stop_ms = 0;
	bool failing = false;
	for (;;) {
		int r = work ? index_turn(w, work, &behind) : -ENOMEM;
		if ((r != 0) != failing)
			log_event(r ? LOG_WARNING : LOG_NOTICE,
			          r ? "audit_index_failed" : "audit_index_recovered", "errno=%d",
			          -r);
		failing = r != 0;
		bool more = r == 0 && behind >= INDEX_BATCH;
		bool stop = indexer_rest(w, more ? 0 : w->index_interval_ms);
		if (stop && stop_ms == 0)
			stop_ms = now_ms();
		if (stop && (r != 0 || behind == 0 || now_ms() - stop_ms > AUDIT_STOP_MS))
			break;
		if (!work)
			work = index_work_new();
	}
	index_work_free(work);
	return NULL;
}

/* ---- start, stop ---- */

/* Commits what an earlier run left; a full disk leaves it to the thread. */
static void replay(struct audit_writer *w)
{
	unsigned n = 0;
	uint64_t before = w->store->head.seq;
	int r;
	while ((r = commit_batch(w, &n)) == 0 && n > 0)
		;
	if (r != 0)
		complain(w, r);
	if (r != 0 && recover(w) != 0)
		SET(w->failing, true);
	if (w->store->head.seq > before)
		log_event(LOG_NOTICE, "audit_replayed", "n_records=%llu",
		          (unsigned long long)(w->store->head.seq - before));
}

static int start_threads(struct audit_writer *w)
{
	int r = thread_start(&w->writer, "audit-writer", THREAD_BATCH, writer_main, w);
	w->has_writer = r == 0;
	if (r == 0)
		r = thread_start(&w->indexer, "audit-indexer", THREAD_BACKGROUND, indexer_main, w);
	w->has_indexer = w->has_writer && r == 0;
	return r;
}

static int make_conditions(struct audit_writer *w)
{
	pthread_condattr_t mono;
	int r = pthread_mutex_init(&w->lock, NULL);
	if (r == 0)
		r = pthread_condattr_init(&mono);
	if (r != 0)
		return -r;
	r = pthread_condattr_setclock(&mono, CLOCK_MONOTONIC);
	if (r == 0)
		r = pthread_cond_init(&w->wake_writer, &mono);
	if (r == 0)
		r = pthread_cond_init(&w->wake_indexer, &mono);
	(void)pthread_condattr_destroy(&mono);
	return -r;
}

int audit_writer_start(const struct audit_writer_options *options, struct audit_writer **ret)
{
	struct audit_writer *w = calloc(1, sizeof(*w));
	if (!w)
		return -ENOMEM;
	w->store = options->store;
	w->commit_interval_ms = options->commit_interval_ms ? options->commit_interval_ms
	                                                    : AUDIT_COMMIT_INTERVAL_MS;
	w->index_interval_ms =
		options->index_interval_ms ? options->index_interval_ms : AUDIT_INDEX_INTERVAL_MS;
	SET(w->committed_seq, w->store->head.seq);
	int r = make_conditions(w);
	if (r == 0)
		r = drain_open(&w->drain, options->store, options->journals);
	if (r == 0) {
		replay(w);
		r = start_threads(w);
	}
	if (r != 0) {
		audit_writer_stop(w);
		return r;
	}
	*ret = w;
	return 0;
}

void audit_writer_stop(struct audit_writer *writer)
{
	if (!writer)
		return;
	if (writer->has_writer) {
		wake(writer, &writer->wake_writer, &writer->stop_writer);
		(void)pthread_join(writer->writer, NULL);
	}
	if (writer->has_indexer) {
		wake(writer, &writer->wake_indexer, &writer->stop_indexer);
		(void)pthread_join(writer->indexer, NULL);
	}
	(void)pthread_cond_destroy(&writer->wake_writer);
	(void)pthread_cond_destroy(&writer->wake_indexer);
	(void)pthread_mutex_destroy(&writer->lock);
	free(writer);
}

static bool has_reached(struct audit_writer *w, const uint64_t *targets)
{
	for (size_t i = 0; i < w->drain.n_journals; i++)
		if (atomic_load_explicit(&drain_ring(&w->drain, i)->header->tail,
		                         memory_order_acquire) < targets[i])
			return false;
	return true;
}

int audit_writer_sync(struct audit_writer *writer, unsigned timeout_ms)
{
	uint64_t targets[AUDIT_JOURNALS_MAX] = {0}, until = now_ms() + timeout_ms;
	for (size_t i = 0; i < writer->drain.n_journals; i++)
		targets[i] = atomic_load_explicit(&drain_ring(&writer->drain, i)->header->head,
		                                  memory_order_acquire);
	while (!has_reached(writer, targets)) {
		if (now_ms() >= until)
			return -ETIMEDOUT;
		wake(writer, &writer->wake_writer, &writer->hurry);
		(void)nanosleep(&(struct timespec){.tv_nsec = SYNC_POLL_MS * 1000000L}, NULL);
	}
	return 0;
}

void audit_writer_stats(const struct audit_writer *writer, struct audit_writer_stats *ret)
{
	*ret = (struct audit_writer_stats){
		.failing = GET(writer->failing),
		.error = GET(writer->error),
		.n_failures = GET(writer->n_failures),
		.committed_seq = GET(writer->committed_seq),
		.indexed_seq = GET(writer->indexed_seq),
		.n_commits = GET(writer->n_commits),
		.last_commit_us = GET(writer->last_commit_us),
	};
	for (size_t i = 0; i < writer->drain.n_journals; i++) {
		struct audit_journal_stats one;
		audit_journal_stats(audit_journals_at(writer->drain.journals, i), &one);
		ret->journal_used_bytes += one.used_bytes;
		ret->journal_size_bytes += one.size_bytes;
		ret->n_refused += one.n_refused;
	}
}
