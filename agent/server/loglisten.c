#include "server/loglisten.h"

#include "audit/journal.h"
#include "audit/outcome.h"
#include "core/clock.h"
#include "core/limits.h"
#include "core/log.h"
#include "server/address.h"
#include "server/worker.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

enum { IN_BYTES = 4 * SYSLOG_MESSAGE_MAX, CONNECTIONS_MAX = 256 };

static const double retry_seconds = 0.1; /* when the journal is full */

struct source {
	struct loglisten *owner;
	struct source *next, **link;
	ev_io io;
	ev_timer retry;
	size_t n_in;
	char in[IN_BYTES];
};

struct loglisten {
	struct ev_loop *loop;
	struct audit_journal *journal;
	struct source *sources;
	struct loglisten_counters counters;
	struct log_pace refused;
	struct audit_outcome_text text; /* scratch of one line */
};

static void source_close(struct source *s)
{
	ev_io_stop(s->owner->loop, &s->io);
	ev_timer_stop(s->owner->loop, &s->retry);
	(void)close(s->io.fd);
	*s->link = s->next;
	if (s->next)
		s->next->link = s->link;
	counter_add(&s->owner->counters.n_connections, UINT64_MAX); /* minus one */
	free(s);
}

/* returns -ENOSPC when the journal is full and the line has to wait */
static int take_line(struct loglisten *l, struct sv line)
{
	struct outcome outcome;
	if (line.n == 0)
		return 0;
	if (!audit_journal_has_room(l->journal))
		return -ENOSPC;
	int r = audit_outcome_parse(line, &l->text, &outcome);
	if (r == 0)
		r = audit_submit_outcome(l->journal, &outcome);
	counter_add(&l->counters.n_lines, 1);
	counter_add(r == 0         ? &l->counters.n_outcomes
	            : r == -ENOMSG ? &l->counters.n_foreign
	                           : &l->counters.n_bad,
	            1);
	return 0;
}

/* returns false when the stream is no syslog and is to be closed */
static bool take_lines(struct source *s)
{
	struct sv bytes = {s->in, s->n_in}, line;
	enum syslog_cut cut;
	size_t consumed;
	bool waits = false;
	while ((cut = syslog_split(bytes, &line, &consumed)) == SYSLOG_MESSAGE) {
		waits = take_line(s->owner, line) == -ENOSPC;
		if (waits)
			break;
		bytes = sv_from(bytes, consumed);
	}
	if (bytes.n && bytes.at != s->in)
		memmove(s->in, bytes.at, bytes.n);
	s->n_in = bytes.n;
	if (waits) {
		ev_io_stop(s->owner->loop, &s->io);
		ev_timer_again(s->owner->loop, &s->retry);
	}
	return waits || cut == SYSLOG_MORE;
}

static void refuse(struct source *s)
{
	char peer[ADDRESS_TEXT_BYTES];
	uint64_t n_left_out;
	address_of_peer(s->io.fd, peer);
	counter_add(&s->owner->counters.n_bad, 1);
	if (log_pace_due(&s->owner->refused, clock_mono_ns(), &n_left_out))
		log_event(
			LOG_WARNING, "accounting_stream_refused",
			"peer=%s n_not_logged=%llu cause=\"not RFC 5424 with octet counting or LF; "
			"see the ring section in schema/spoe.md\"",
			peer, (unsigned long long)n_left_out);
	source_close(s);
}

enum taken { TAKEN, NOTHING_THERE, SOURCE_GONE };

static enum taken take_bytes(struct source *s)
{
	ssize_t n = recv(s->io.fd, s->in + s->n_in, sizeof(s->in) - s->n_in, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return NOTHING_THERE;
	if (n <= 0) {
		source_close(s);
		return SOURCE_GONE;
	}
	s->n_in += (size_t)n;
	if (take_lines(s))
		return TAKEN;
	refuse(s);
	return SOURCE_GONE;
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	(void)events;
	(void)take_bytes(io->data);
}

static void on_retry(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct source *s = timer->data;
	(void)events;
	ev_timer_stop(loop, timer);
	if (!take_lines(s))
		refuse(s);
	else if (!ev_is_active(timer))
		ev_io_start(loop, &s->io);
}

struct loglisten *loglisten_new(struct ev_loop *loop, struct audit_journal *journal)
{
	struct loglisten *l = calloc(1, sizeof(*l));
	if (!l)
		return NULL;
	l->loop = loop;
	l->journal = journal;
	return l;
}

/* Our end, also a kill, is to be an RST: at a FIN HAProxy 3.0 never connects its ring again, and 3.2 drops what
 * it logs until we are back; both take an error for what it is (seen with 3.0.11 and 3.2.26). */
static void close_by_reset(int fd)
{
	const struct linger none = {.l_onoff = 1, .l_linger = 0};
	(void)setsockopt(fd, SOL_SOCKET, SO_LINGER, &none, sizeof(none));
}

void loglisten_adopt(struct loglisten *l, int fd)
{
	struct source *s = NULL;
	close_by_reset(fd);
	if (atomic_load(&l->counters.n_connections) < CONNECTIONS_MAX)
		s = malloc(sizeof(*s));
	if (!s) {
		(void)close(fd);
		return;
	}
	s->owner = l;
	s->n_in = 0;
	ev_io_init(&s->io, on_io, fd, EV_READ);
	ev_timer_init(&s->retry, on_retry, 0., retry_seconds);
	s->io.data = s->retry.data = s;
	s->next = l->sources;
	s->link = &l->sources;
	if (s->next)
		s->next->link = &s->next;
	l->sources = s;
	counter_add(&l->counters.n_connections, 1);
	ev_io_start(l->loop, &s->io);
}

void loglisten_free(struct loglisten *l)
{
	if (!l)
		return;
	while (l->sources) {
		struct source *s = l->sources;
		enum taken taken = TAKEN;
		/* not without end: who sends faster than we read, or a full journal, keeps the rest */
		for (int i = 0; i < 64 && taken == TAKEN && !ev_is_active(&s->retry); i++)
			taken = take_bytes(s);
		if (taken != SOURCE_GONE)
			source_close(s);
	}
	free(l);
}

const struct loglisten_counters *loglisten_counters(const struct loglisten *l)
{
	return &l->counters;
}
