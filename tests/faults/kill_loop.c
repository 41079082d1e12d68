/* kill_loop - SIGKILLs a process that records decisions, at random moments, HAWARD_KILLS times (30), and after
 * each third kill while the index is thrown away too. Then: every decision that was answered is in the book
 * exactly once, the chain holds, the index finds each. */
#include "audit/chain.h"
#include "audit/journal.h"
#include "audit/query.h"
#include "audit/store.h"
#include "audit/writer.h"
#include "core/clock.h"
#include "core/eventid.h"
#include "core/secret.h"
#include "model/decision.h"
#include "model/request.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ANSWERED_MAX = 4 * 1000 * 1000, RING_BYTES = 2 << 20, MAP_BYTES = 1 << 30 };

/* Outlives the child: what it answered, counted after the submit and before the next. */
struct answers {
	_Atomic uint64_t n;
	_Atomic uint64_t n_refused;
	struct event_id ids[ANSWERED_MAX];
};

struct book {
	struct audit_store *store;
	struct audit_journals *journals;
	struct audit_writer *writer;
};

static void must(bool held, const char *what)
{
	if (held)
		return;
	fprintf(stderr, "kill_loop: %s\n", what);
	exit(1);
}

static void open_book(struct book *book, const char *dir)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/audit", dir);
	must(audit_store_open(path, AUDIT_STORE_WRITE, MAP_BYTES, &book->store) == 0, "store");
	snprintf(path, sizeof(path), "%s/journal", dir);
	struct audit_journals_options journals = {
		.dir = path, .n_workers = 1, .size_bytes = RING_BYTES};
	must(audit_journals_open(&journals, &book->journals) == 0, "journals");
	struct audit_writer_options writer = {.store = book->store,
	                                      .journals = book->journals,
	                                      .commit_interval_ms = 1,
	                                      .index_interval_ms = 3};
	must(audit_writer_start(&writer, &book->writer) == 0, "writer");
}

static void close_book(struct book *book)
{
	audit_writer_stop(book->writer);
	audit_journals_close(book->journals);
	audit_store_close(book->store);
}

_Noreturn static void record_until_killed(const char *dir, struct answers *answers)
{
	struct book book;
	struct event_ids ids = {0};
	open_book(&book, dir);
	struct audit_journal *j = audit_journals_worker(book.journals, 0);
	struct request req = {.method = SV("GET"), .path = SV("/orders/7"), .host = SV("shop")};
	while (answers->n < ANSWERED_MAX) {
		struct decision d = {.at_us = clock_real_us()};
		d.identity.user = SVL("alice");
		must(event_id_next(&ids, d.at_us, &d.event), "event id");
		if (audit_submit(j, &req, &d) != 0) {
			answers->n_refused++;
			usleep(1000);
			continue;
		}
		answers->ids[answers->n] = d.event;
		answers->n++;
	}
	_exit(2);
}

static void kill_once(const char *dir, struct answers *answers)
{
	uint16_t random_ms;
	must(secret_random(&random_ms, sizeof(random_ms)), "random");
	pid_t pid = fork();
	must(pid >= 0, "fork");
	if (pid == 0)
		record_until_killed(dir, answers);
	usleep(5000 + (random_ms % 150) * 1000U);
	int status = 0;
	must(kill(pid, SIGKILL) == 0 && waitpid(pid, &status, 0) == pid, "kill");
	must(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL, "the child ended by itself");
}

static void drop_index(const char *dir)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/audit/index/data.mdb", dir);
	(void)unlink(path);
}

/* Rows of the book in order, beside the answers in order. */
struct comparison {
	const struct answers *answers;
	uint64_t at, n_extra;
};

static int compare(void *user, const struct audit_row *row)
{
	struct comparison *c = user;
	bool same = c->at < c->answers->n &&
	            memcmp(&row->record.id, &c->answers->ids[c->at], sizeof(row->record.id)) == 0;
	c->at += same;
	c->n_extra += !same;
	return 0;
}

static void compare_all(struct book *book, const struct answers *answers, unsigned n_kills)
{
	struct comparison c = {.answers = answers};
	struct audit_query_options options = {
		.filter = SV("user:alice"), .oldest_first = true, .limit = 100000};
	struct audit_query_error error;
	struct audit_query *query = NULL;
	struct audit_page page = {0};
	must(audit_query_open(book->store, &options, &error, &query) == 0, "query");
	while (!page.exhausted)
		must(audit_query_page(query, compare, &c, &page) == 0, "page");
	audit_query_close(query);
	printf("answered %llu, in the book %llu, submitted but killed before the answer %llu (at "
	       "most %u), "
	       "refused %llu\n",
	       (unsigned long long)answers->n, (unsigned long long)c.at,
	       (unsigned long long)c.n_extra, n_kills, (unsigned long long)answers->n_refused);
	must(c.at == answers->n, "an answered decision is missing, doubled or out of order");
	must(c.n_extra <= n_kills, "more records than decisions");
}

static void wait_for_index(struct book *book)
{
	struct audit_store_stats stats;
	for (int i = 0; i < 6000; i++) {
		must(audit_store_stats(book->store, &stats) == 0, "stats");
		if (stats.indexed_seq == stats.last_seq)
			return;
		usleep(10000);
	}
	must(false, "the index never caught up");
}

int main(void)
{
	char dir[] = "/tmp/haward-kill-XXXXXX", command[64];
	const char *wanted = getenv("HAWARD_KILLS"); /* NOLINT(concurrency-mt-unsafe): one thread */
	unsigned n_kills = wanted ? (unsigned)strtoul(wanted, NULL, 10) : 30;
	struct answers *answers = mmap(NULL, sizeof(*answers), PROT_READ | PROT_WRITE,
	                               MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	must(answers != MAP_FAILED && mkdtemp(dir) != NULL, "set up");
	for (unsigned i = 0; i < n_kills; i++) {
		kill_once(dir, answers);
		if (i % 3 == 2)
			drop_index(dir);
	}
	struct book book;
	struct audit_chain_report report;
	open_book(&book, dir);
	compare_all(&book, answers, n_kills);
	wait_for_index(&book);
	compare_all(&book, answers, n_kills);
	must(audit_chain_verify(book.store, &report) == 0 && report.holds, "the chain is broken");
	close_book(&book);
	snprintf(command, sizeof(command), "rm -rf '%s'", dir);
	return system(command) == 0 ? 0 : 1; /* NOLINT(cert-env33-c): own temporary directory */
}
