/* bench_audit [--events N] [--dir DIR] - the book alone: ingest with all indexes through the journals, bytes on
 * disk, last 100 events of a user, CSV rows a second. Prints one JSON object. */
#include "audit/export.h"
#include "audit/journal.h"
#include "audit/query.h"
#include "audit/store.h"
#include "audit/writer.h"
#include "core/clock.h"
#include "core/eventid.h"
#include "model/decision.h"
#include "model/outcome.h"
#include "model/request.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

struct settings {
	unsigned events, users;
	const char *dir;
	bool outcomes;
};

static double now_s(void)
{
	return (double)clock_mono_ns() / 1e9;
}

static void must(int r, const char *what)
{
	if (r == 0)
		return;
	fprintf(stderr, "bench_audit: %s: %s\n", what, strerror(-r));
	exit(1);
}

struct texts {
	char user[32], path[48], id[40], route[32];
};

static void make(unsigned i, const struct settings *s, struct event_ids *ids, struct texts *t,
                 struct request *req, struct decision *d)
{
	static const struct sv services[] = {SV("orders"), SV("billing"), SV("stock"),
	                                     SV("search"), SV("profile"), SV("cart"),
	                                     SV("mail"),   SV("reports")};
	static const struct sv groups[] = {SV("staff"), SV("sales")};
	uint64_t mixed = i * 0x9e3779b97f4a7c15U;
	snprintf(t->user, sizeof(t->user), "user-%u@example.org",
	         (unsigned)((mixed >> 33) % s->users));
	snprintf(t->path, sizeof(t->path), "/orders/%u/items", i);
	snprintf(t->id, sizeof(t->id), "7F000001:C3%02X_%08X", i & 255, i);
	*req = (struct request){
		.id = sv_of(t->id),
		.method = SV("GET"),
		.path = sv_of(t->path),
		.host = SV("shop.example.org"),
		.user_agent = SV("Mozilla/5.0 (X11; Linux)"),
		.src = {.family = 4, .bytes = {10, 0, (uint8_t)(i >> 8), (uint8_t)i}},
		.src_port = 50000};
	*d = (struct decision){.policy_version = 12, .took_ns = 4321, .at_us = clock_real_us()};
	d->identity.method = AUTH_JWT;
	d->identity.user = d->identity.subject = sv_of(t->user);
	d->identity.issuer = SVL("https://idp.example.org");
	d->identity.groups = groups;
	d->identity.n_groups = 2;
	d->verdict.effect = mixed >> 60 ? VERDICT_ALLOW : VERDICT_DENY;
	d->verdict.reason = mixed >> 60 ? REASON_POLICY_ALLOWED : REASON_NO_POLICY_MATCHED;
	d->verdict.status = mixed >> 60 ? 200 : 403;
	d->verdict.service = services[(mixed >> 40) % 8];
	d->verdict.policy = SVL("own-orders");
	d->verdict.route = SVL("/orders/{id}/items");
	d->verdict.why[0] = (struct why){
		.policy = SV("own-orders"), .rule = SV("/policies/3/rules/0"), .held = true};
	d->verdict.n_why = 1;
	if (!event_id_next(ids, d->at_us, &d->event))
		must(-EIO, "event id");
}

struct book {
	struct audit_store *store;
	struct audit_journals *journals;
	struct audit_writer *writer;
};

static void open_book(struct book *book, const char *dir)
{
	char path[512];
	snprintf(path, sizeof(path), "%s/audit", dir);
	must(audit_store_open(path, AUDIT_STORE_WRITE, 0, &book->store), "store");
	snprintf(path, sizeof(path), "%s/journal", dir);
	must(audit_journals_open(&(struct audit_journals_options){.dir = path, .n_workers = 1},
	                         &book->journals),
	     "journals");
	must(audit_writer_start(&(struct audit_writer_options){.store = book->store,
	                                                       .journals = book->journals},
	                        &book->writer),
	     "writer");
}

/* Producer's own cost, without waiting for a full ring. */
static double submit_all(struct book *book, const struct settings *s, double *ret_submit_ns)
{
	static struct event_ids ids;
	struct audit_journal *j = audit_journals_worker(book->journals, 0);
	double start = now_s(), in_submit = 0;
	for (unsigned i = 0; i < s->events; i++) {
		struct texts t;
		struct request req;
		struct decision d;
		make(i, s, &ids, &t, &req, &d);
		for (;;) {
			struct audit_journal_stats stats;
			audit_journal_stats(j, &stats);
			if (stats.used_bytes < stats.size_bytes - 65536)
				break;
			usleep(500);
		}
		uint64_t before = clock_mono_ns();
		must(audit_submit(j, &req, &d), "submit");
		if (s->outcomes) {
			struct outcome o = outcome_unknown();
			o.event = d.event;
			o.status = 200;
			o.bytes_out = 1234;
			o.duration_ms = 12;
			o.termination = SVL("----");
			o.backend = SVL("shop");
			o.server = SVL("s1");
			must(audit_submit_outcome(j, &o), "outcome");
		}
		in_submit += (double)(clock_mono_ns() - before);
	}
	must(audit_writer_sync(book->writer, 600000), "sync");
	*ret_submit_ns = in_submit / s->events;
	return now_s() - start;
}

static double wait_index(struct book *book)
{
	double start = now_s();
	struct audit_store_stats stats;
	do {
		usleep(2000);
		must(audit_store_stats(book->store, &stats), "stats");
	} while (stats.indexed_seq < stats.last_seq);
	return now_s() - start;
}

static int count(void *user, const struct audit_row *row)
{
	(void)row;
	(*(unsigned *)user)++;
	return 0;
}

static double last_100(struct book *book, const char *filter, unsigned *ret_rows)
{
	double best = 1e9;
	for (int i = 0; i < 20; i++) {
		struct audit_query *query = NULL;
		struct audit_query_error error;
		struct audit_page page;
		*ret_rows = 0;
		double start = now_s();
		must(audit_query_open(book->store,
		                      &(struct audit_query_options){.filter = sv_of(filter),
		                                                    .limit = 100,
		                                                    .budget_ms = 10000},
		                      &error, &query),
		     "query");
		must(audit_query_page(query, count, ret_rows, &page), "page");
		audit_query_close(query);
		double took = now_s() - start;
		best = took < best ? took : best;
	}
	return best;
}

static double export_rows(struct book *book, enum audit_format format, uint64_t *ret_bytes)
{
	struct audit_export *export = NULL;
	struct audit_query_error error;
	struct audit_export_stats stats;
	static char buffer[256 * 1024];
	ssize_t n;
	double start = now_s();
	must(audit_export_open(book->store,
	                       &(struct audit_export_options){.query = {.oldest_first = true},
	                                                      .format = format},
	                       &error, &export),
	     "export");
	while ((n = audit_export_fill(export, buffer, sizeof(buffer))) > 0)
		;
	must((int)n, "fill");
	audit_export_stats(export, &stats);
	audit_export_close(export);
	*ret_bytes = stats.n_bytes;
	return (double)stats.n_rows / (now_s() - start);
}

static error_t option(int key, char *value, struct argp_state *state)
{
	struct settings *s = state->input;
	if (key == 'n')
		s->events = (unsigned)strtoul(value, NULL, 10);
	else if (key == 'u')
		s->users = (unsigned)strtoul(value, NULL, 10);
	else if (key == 'd')
		s->dir = value;
	else if (key == 'o')
		s->outcomes = true;
	else
		return ARGP_ERR_UNKNOWN;
	return 0;
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"events", 'n', "N", 0, "decisions to write (1000000)", 0},
		{"users", 'u', "N", 0, "different users (10000)", 0},
		{"dir", 'd', "DIR", 0, "an empty directory; else one is made and removed", 0},
		{"outcomes", 'o', NULL, 0, "an outcome for each decision", 0},
		{0},
	};
	struct settings s = {.events = 1000000, .users = 10000};
	argp_parse(&(struct argp){.options = options, .parser = option}, argc, argv, 0, NULL, &s);
	char made[] = "/tmp/haward-bench-XXXXXX", command[128];
	const char *dir = s.dir ? s.dir : mkdtemp(made);
	struct book book = {0};
	double submit_ns;
	unsigned rows = 0;
	uint64_t csv_bytes = 0, jsonl_bytes = 0;
	open_book(&book, dir);
	double took = submit_all(&book, &s, &submit_ns), lag = wait_index(&book);
	struct audit_store_stats stats;
	must(audit_store_stats(book.store, &stats), "stats");
	double query = last_100(&book, "user:user-77@example.org", &rows);
	double csv = export_rows(&book, AUDIT_CSV, &csv_bytes);
	double jsonl = export_rows(&book, AUDIT_JSONL, &jsonl_bytes);
	struct rusage usage;
	(void)getrusage(RUSAGE_SELF, &usage);
	printf("{\"events\":%u,\"outcomes\":%s,\"ingest_per_s\":%.0f,\"ingest_indexed_per_s\":%.0f,"
	       "\"index_lag_s\":%.3f,\"submit_ns\":%.0f,\"events_bytes\":%.1f,\"index_bytes\":%.1f,"
	       "\"bytes_per_event\":%.1f,\"last_100_ms\":%.3f,\"last_100_rows\":%u,"
	       "\"csv_rows_per_s\":%.0f,\"csv_bytes\":%llu,\"jsonl_rows_per_s\":%.0f,\"max_rss_"
	       "mib\":%ld}\n",
	       s.events, s.outcomes ? "true" : "false", s.events / took, s.events / (took + lag),
	       lag, submit_ns, (double)stats.events_bytes / s.events,
	       (double)stats.index_bytes / s.events,
	       (double)(stats.events_bytes + stats.index_bytes) / s.events, query * 1000, rows, csv,
	       (unsigned long long)csv_bytes, jsonl, usage.ru_maxrss / 1024);
	audit_writer_stop(book.writer);
	audit_journals_close(book.journals);
	audit_store_close(book.store);
	if (!s.dir) {
		snprintf(command, sizeof(command), "rm -rf '%s'", dir);
		return system(command) == 0 ? 0 : 1;
	}
	return 0;
}
