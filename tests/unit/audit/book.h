/* A book in a directory of its own, with journals and writer, and records to put into it. */
#ifndef UNIT_AUDIT_BOOK_H
#define UNIT_AUDIT_BOOK_H

#include "audit/chain.h"
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
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BOOK_MAP_BYTES = 256 << 20, BOOK_RING_BYTES = 1 << 20 };

struct book {
	char dir[64];
	struct audit_store *store;
	struct audit_journals *journals;
	struct audit_writer *writer;
	struct event_ids ids;
};

static inline void book_path(const struct book *book, const char *name, char path[128])
{
	snprintf(path, 128, "%s/%s", book->dir, name);
}

static inline void book_open(struct book *book, unsigned n_workers)
{
	char path[128];
	book_path(book, "audit", path);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_WRITE, BOOK_MAP_BYTES, &book->store),
	                 0);
	book_path(book, "journal", path);
	struct audit_journals_options options = {
		.dir = path, .n_workers = n_workers, .size_bytes = BOOK_RING_BYTES};
	assert_int_equal(audit_journals_open(&options, &book->journals), 0);
	struct audit_writer_options writer = {.store = book->store,
	                                      .journals = book->journals,
	                                      .commit_interval_ms = 2,
	                                      .index_interval_ms = 5};
	assert_int_equal(audit_writer_start(&writer, &book->writer), 0);
}

static inline void book_close(struct book *book)
{
	audit_writer_stop(book->writer);
	audit_journals_close(book->journals);
	audit_store_close(book->store);
	book->writer = NULL;
	book->journals = NULL;
	book->store = NULL;
}

static inline int book_setup(void **state)
{
	struct book *book = calloc(1, sizeof(*book));
	snprintf(book->dir, sizeof(book->dir), "/tmp/haward-audit-XXXXXX");
	assert_non_null(mkdtemp(book->dir));
	book_open(book, 2);
	*state = book;
	return 0;
}

static inline int book_teardown(void **state)
{
	struct book *book = *state;
	char command[128];
	book_close(book);
	snprintf(command, sizeof(command), "rm -rf '%s'", book->dir);
	assert_int_equal(system(command), 0); /* NOLINT(cert-env33-c): own temporary directory */
	free(book);
	return 0;
}

/* A decision number i; the texts it points to live in `room`. */
struct sample {
	char user[32], path[64], id[32];
	struct request req;
	struct decision decision;
};

static inline void sample_make(struct sample *s, struct event_ids *ids, unsigned i)
{
	static const struct sv services[] = {SV("orders"), SV("billing"), SV("stock")};
	static const enum verdict_effect effects[] = {VERDICT_ALLOW, VERDICT_DENY,
	                                              VERDICT_AUTHENTICATE};
	memset(s, 0, sizeof(*s));
	snprintf(s->user, sizeof(s->user), "user-%u", i % 97);
	snprintf(s->path, sizeof(s->path), "/v%u/items/%u", i % 2 + 1, i);
	snprintf(s->id, sizeof(s->id), "req-%u", i);
	s->req.id = sv_of(s->id);
	s->req.method = i % 5 ? SVL("GET") : SVL("POST");
	s->req.path = sv_of(s->path);
	s->req.host = SVL("shop.example");
	s->req.query = SVL("page=2&access_token=very-secret");
	s->req.user_agent = SVL("curl/8.0");
	s->req.src = netaddr_v4((const uint8_t[]){10, (uint8_t)(i % 3), 0, (uint8_t)i});
	s->req.src_port = 40000;
	s->decision.identity.method = AUTH_JWT;
	s->decision.identity.user = sv_of(s->user);
	s->decision.identity.subject = sv_of(s->user);
	s->decision.identity.issuer = SVL("https://idp.example");
	s->decision.verdict.effect = effects[i % 3];
	s->decision.verdict.reason = REASON_NO_POLICY_MATCHED;
	s->decision.verdict.status = i % 3 ? 403 : 200;
	s->decision.verdict.service = services[i % 7 % 3];
	s->decision.verdict.policy = SVL("own-orders");
	s->decision.verdict.why[0] = (struct why){.policy = SV("own-orders"),
	                                          .rule = SV("/policies/0/rules/0"),
	                                          .condition = SV("to.operation.methods"),
	                                          .value = SV("DELETE"),
	                                          .expected = SV("GET")};
	s->decision.verdict.n_why = 1;
	s->decision.policy_version = 7;
	s->decision.took_ns = 3210;
	s->decision.at_us = clock_real_us();
	assert_true(event_id_next(ids, s->decision.at_us, &s->decision.event));
}

static inline void book_add(struct book *book, unsigned from, unsigned n)
{
	struct audit_journal *j = audit_journals_worker(book->journals, 0);
	for (unsigned i = from; i < from + n; i++) {
		struct sample s;
		sample_make(&s, &book->ids, i);
		assert_int_equal(audit_submit(j, &s.req, &s.decision), 0);
		if (i % 1000 == 999) /* a full ring would put gap records between */
			assert_int_equal(audit_writer_sync(book->writer, 20000), 0);
	}
}

static inline void book_sync(struct book *book)
{
	assert_int_equal(audit_writer_sync(book->writer, 20000), 0);
}

/* Waits until the index has everything. */
static inline void book_index(struct book *book)
{
	struct audit_store_stats stats;
	book_sync(book);
	for (int i = 0; i < 4000; i++) {
		assert_int_equal(audit_store_stats(book->store, &stats), 0);
		if (stats.indexed_seq == stats.last_seq)
			return;
		usleep(5000);
	}
	fail();
}

static inline struct audit_chain_report book_verify(struct book *book)
{
	struct audit_chain_report report;
	assert_int_equal(audit_chain_verify(book->store, &report), 0);
	return report;
}

#endif
