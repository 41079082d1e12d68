/* A whole server on loopback, its book behind it, and HAProxy's side of a connection. */
#ifndef UNIT_SERVER_RIG_H
#define UNIT_SERVER_RIG_H

#include "audit/journal.h"
#include "audit/store.h"
#include "audit/writer.h"
#include "core/macros.h"
#include "policy/load.h"
#include "policy/slot.h"
#include "server/address.h"
#include "server/server.h"
#include "spop/frame.h"
#include "spop/value.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <unistd.h>

enum { RIG_FRAME_BYTES = 16384, RIG_RING_BYTES = 1 << 20, RIG_PATIENCE_MS = 15000 };

struct rig {
	char dir[64], unix_path[96];
	struct audit_store *store;
	struct audit_journals *journals;
	struct audit_writer *writer;
	struct policy_slot *slot;
	struct spop_options spop;
	struct accounting_options accounting;
	struct server_deps deps;
	struct server *server;
	pthread_t thread;
	bool runs;
};

struct rig_options {
	unsigned n_workers, ring_bytes;
	int64_t max_connections, deadline_ms;
	struct policy_asks *asks;
	void (*reload)(void *user);
	void *user;
};

/* Every request to /v<version> is allowed, and to /open; nothing else. */
static inline struct policy *rig_policy(uint64_t version)
{
	char text[512];
	struct policy *policy = NULL;
	snprintf(text, sizeof(text),
	         "{\"apiVersion\":\"haward/v1\",\"services\":[{\"name\":\"all\",\"paths\":[\"/{**}"
	         "\"]}],\"policies\":[{\"name\":\"p\",\"action\":\"ALLOW\",\"rules\":[{\"to\":[{"
	         "\"operation\":{\"paths\":[\"/open\",\"/v%llu\"]}}]}]}]}",
	         (unsigned long long)version);
	struct diag d = diag_over("rig", sv_of(text));
	int r = policy_load(sv_of(text), NULL, version, &d, &policy);
	if (r)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	diag_fini(&d);
	return policy;
}

static inline void rig_open_book(struct rig *rig, const struct rig_options *o)
{
	char path[128];
	snprintf(path, sizeof(path), "%s/audit", rig->dir);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_WRITE, 256 << 20, &rig->store), 0);
	snprintf(path, sizeof(path), "%s/journal", rig->dir);
	const struct audit_journals_options journals = {
		.dir = path,
		.n_workers = o->n_workers,
		.size_bytes = o->ring_bytes ? o->ring_bytes : RIG_RING_BYTES};
	assert_int_equal(audit_journals_open(&journals, &rig->journals), 0);
	const struct audit_writer_options options = {.store = rig->store,
	                                             .journals = rig->journals,
	                                             .commit_interval_ms = 2,
	                                             .index_interval_ms = 5};
	assert_int_equal(audit_writer_start(&options, &rig->writer), 0);
}

static void *rig_run(void *arg)
{
	struct rig *rig = arg;
	server_run(rig->server);
	return NULL;
}

/* All but the server: its options and what it stands on. */
static inline void rig_prepare(struct rig *rig, const struct rig_options *o)
{
	static char tcp[] = "127.0.0.1:0", mode[] = "0600";
	static char *accounting[] = {tcp};
	static char *listen[2] = {tcp, NULL};
	*rig = (struct rig){.dir = "/tmp/haward-server-XXXXXX"};
	assert_non_null(mkdtemp(rig->dir));
	snprintf(rig->unix_path, sizeof(rig->unix_path), "unix@%s/spop.sock", rig->dir);
	rig_open_book(rig, o);
	rig->slot = policy_slot_new();
	policy_slot_publish(rig->slot, rig_policy(1));
	listen[1] = rig->unix_path;
	rig->spop = (struct spop_options){.listen = {.at = listen, .n = 2},
	                                  .workers = o->n_workers,
	                                  .max_connections =
	                                          o->max_connections ? o->max_connections : 100,
	                                  .max_frame_size = RIG_FRAME_BYTES,
	                                  .socket_mode = mode,
	                                  .drain_ms = 3000,
	                                  .deadline_ms = o->deadline_ms ? o->deadline_ms : 400};
	rig->accounting.listen = (struct json_strings){.at = accounting, .n = 1};
	rig->deps = (struct server_deps){.spop = &rig->spop,
	                                 .accounting = &rig->accounting,
	                                 .slot = rig->slot,
	                                 .asks = o->asks,
	                                 .journals = rig->journals,
	                                 .reload = o->reload,
	                                 .user = o->user};
}

static inline void rig_start(struct rig *rig, const struct rig_options *o)
{
	rig_prepare(rig, o);
	struct diag d = diag_over("rig", SVL(""));
	int r = server_new(&rig->deps, &d, &rig->server);
	diag_print(&d, stderr);
	assert_int_equal(r, 0);
	diag_fini(&d);
	assert_int_equal(pthread_create(&rig->thread, NULL, rig_run, rig), 0);
	rig->runs = true;
}

/* Returns when every connection is over, as server_run() does. */
static inline void rig_stop(struct rig *rig)
{
	if (!rig->runs)
		return;
	server_stop(rig->server);
	assert_int_equal(pthread_join(rig->thread, NULL), 0);
	rig->runs = false;
}

static inline void rig_end(struct rig *rig)
{
	char command[128];
	rig_stop(rig);
	server_free(rig->server);
	audit_writer_stop(rig->writer);
	audit_journals_close(rig->journals);
	audit_store_close(rig->store);
	policy_slot_free(rig->slot);
	snprintf(command, sizeof(command), "rm -rf '%s'", rig->dir);
	assert_int_equal(system(command), 0);
}

/* How many records the book holds once all that was submitted is in it. */
static inline uint64_t rig_n_records(struct rig *rig)
{
	struct audit_store_stats stats;
	assert_int_equal(audit_writer_sync(rig->writer, RIG_PATIENCE_MS), 0);
	assert_int_equal(audit_store_stats(rig->store, &stats), 0);
	return stats.last_seq;
}

/* As a full disk: the book cannot grow, and the journal fills up before it. */
static inline void rig_limit_files(rlim_t bytes)
{
	struct rlimit files;
	(void)signal(SIGXFSZ, SIG_IGN);
	assert_int_equal(getrlimit(RLIMIT_FSIZE, &files), 0);
	files.rlim_cur = MIN_OF(bytes, files.rlim_max);
	assert_int_equal(setrlimit(RLIMIT_FSIZE, &files), 0);
}

/* ---- HAProxy's side ---- */

struct caller {
	int fd;
	uint8_t in[2 * RIG_FRAME_BYTES];
	size_t n_in, n_taken;
};

static inline void caller_open_at(struct caller *c, const char *where)
{
	const struct timeval patience = {.tv_sec = RIG_PATIENCE_MS / 1000};
	struct address address;
	assert_true(address_parse(where, &address));
	c->n_in = c->n_taken = 0;
	c->fd = socket(address.at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	assert_true(c->fd >= 0);
	assert_int_equal(setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience)),
	                 0);
	assert_int_equal(connect(c->fd, (struct sockaddr *)&address.at, address.n), 0);
}

static inline void caller_open(struct caller *c, const struct rig *rig)
{
	char where[32];
	snprintf(where, sizeof(where), "127.0.0.1:%u", server_port(rig->server, 0));
	caller_open_at(c, where);
}

static inline void caller_close(struct caller *c)
{
	(void)close(c->fd);
}

static inline void caller_send(struct caller *c, struct sv bytes)
{
	while (bytes.n) {
		ssize_t n = send(c->fd, bytes.at, bytes.n, MSG_NOSIGNAL);
		assert_true(n > 0);
		bytes = sv_from(bytes, (size_t)n);
	}
}

/* returns false at the end of the connection */
static inline bool caller_read(struct caller *c, struct spop_frame *ret)
{
	for (;;) {
		struct sv bytes = {(char *)c->in + c->n_taken, c->n_in - c->n_taken};
		if (spop_frame_cut(&bytes, RIG_FRAME_BYTES, ret) == SPOP_CUT_FRAME) {
			c->n_taken = c->n_in - bytes.n;
			return true;
		}
		memmove(c->in, c->in + c->n_taken, bytes.n);
		c->n_in = bytes.n;
		c->n_taken = 0;
		ssize_t n = recv(c->fd, c->in + c->n_in, sizeof(c->in) - c->n_in, 0);
		if (n == 0 || (n < 0 && errno == ECONNRESET))
			return false;
		assert_true(n > 0); /* else it took longer than anyone waits */
		c->n_in += (size_t)n;
	}
}

static inline void put_text(struct outbuf *b, const char *name, const char *value)
{
	spop_text_write(b, sv_of(name));
	spop_value_string(b, sv_of(value));
}

static inline struct sv hello_bytes(struct outbuf *b, bool healthcheck)
{
	size_t at = spop_frame_open(b, SPOP_HAPROXY_HELLO, 0, 0);
	put_text(b, "supported-versions", "2.0");
	spop_text_write(b, SVL("max-frame-size"));
	spop_value_uint32(b, RIG_FRAME_BYTES);
	put_text(b, "capabilities", "pipelining");
	if (healthcheck) {
		spop_text_write(b, SVL("healthcheck"));
		spop_value_bool(b, true);
	}
	spop_frame_close(b, at);
	return outbuf_sv(b);
}

static inline void put_question(struct outbuf *b, uint64_t stream_id, const char *path)
{
	size_t at = spop_frame_open(b, SPOP_NOTIFY, stream_id, 1);
	spop_text_write(b, SVL("haward-authorize"));
	outbuf_u8(b, 3);
	put_text(b, "method", "GET");
	put_text(b, "host", "h");
	put_text(b, "path", path);
	spop_frame_close(b, at);
}

static inline void caller_greet(struct caller *c, bool healthcheck)
{
	uint8_t room[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	struct spop_frame frame;
	caller_send(c, hello_bytes(&b, healthcheck));
	assert_true(caller_read(c, &frame));
	assert_int_equal(frame.type, SPOP_AGENT_HELLO);
}

static inline void caller_ask(struct caller *c, uint64_t stream_id, const char *path)
{
	uint8_t room[512];
	struct outbuf b = outbuf_over(room, sizeof(room));
	put_question(&b, stream_id, path);
	assert_false(b.failed);
	caller_send(c, outbuf_sv(&b));
}

/* The value of a variable in an ACK; type NULL when it is not set. */
static inline struct spop_value answer_var(const struct spop_frame *ack, const char *name)
{
	struct cursor c = cursor_over(ack->payload);
	assert_int_equal(ack->type, SPOP_ACK);
	while (cursor_left(&c)) {
		(void)cursor_u8(&c);
		(void)cursor_u8(&c);
		(void)cursor_u8(&c);
		struct sv found = spop_text_read(&c);
		struct spop_value value = spop_value_read(&c);
		assert_false(c.failed);
		if (sv_eq(found, sv_of(name)))
			return value;
	}
	return (struct spop_value){0};
}

static inline bool answer_allows(const struct spop_frame *ack)
{
	struct spop_value allow = answer_var(ack, "allow");
	assert_int_equal(allow.type, SPOP_DATA_BOOL);
	return allow.truth;
}

/* The status of the goodbye that comes next, and that nothing comes after it. */
static inline int64_t caller_goodbye(struct caller *c)
{
	struct spop_frame frame;
	assert_true(caller_read(c, &frame));
	assert_int_equal(frame.type, SPOP_AGENT_DISCONNECT);
	struct cursor cursor = cursor_over(frame.payload);
	assert_true(sv_eq(spop_text_read(&cursor), SVL("status-code")));
	int64_t status = spop_value_read(&cursor).number;
	assert_false(caller_read(c, &frame));
	return status;
}

#endif
