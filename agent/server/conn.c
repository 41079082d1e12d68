#include "server/conn.h"

#include "core/clock.h"
#include "core/secret.h"
#include "server/address.h"
#include "server/answer.h"

#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static const double hello_seconds = 2.; /* a peer that says nothing holds a descriptor no longer */
static const double frame_seconds = 5.; /* a started frame is whole by then, and its answer taken */

enum { OUT_EXTRA_BYTES = 64 * 1024 }; /* answers of one turn besides the largest one */

struct conn {
	struct conn_home *home;
	struct conn *next, **link;
	ev_io io;
	ev_timer deadline;
	struct spop_session session;
	uint8_t *in;
	size_t n_in, max_in;
	struct outbuf out;
	size_t n_sent;
	uint64_t heard_ns;
	struct parked_list parked;
	bool closing; /* send what is in out, then close */
};

static void conn_close(struct conn *c)
{
	ev_io_stop(c->home->loop, &c->io);
	ev_timer_stop(c->home->loop, &c->deadline);
	(void)close(c->io.fd);
	parking_drop(&c->home->parking, c);
	*c->link = c->next;
	if (c->next)
		c->next->link = c->link;
	counter_add(&c->home->counters->n_connections, UINT64_MAX); /* minus one */
	if (c->home->gives_tokens)
		secret_wipe(c->out.at, c->out.n);
	free(c->in);
	free(c->out.at);
	free(c);
}

/* What an operator most likely has to change, by the status we end with. */
static const char *likely_cause(enum spop_status status)
{
	switch ((int)status) {
	case SPOP_STATUS_TOO_BIG:
		return "raise spop.max_frame_size or lower HAProxy's tune.bufsize";
	case SPOP_STATUS_FRAGMENTED:
		return "set 'no option send-frag-payload' in the spoe-agent section";
	case SPOP_STATUS_BAD_VERSION:
		return "the peer does not speak SPOP 2.0";
	case SPOP_STATUS_TIMEOUT:
		return "the peer left a frame half sent, or our answers unread";
	case SPOP_STATUS_INVALID:
		return "is the peer HAProxy's spoe-agent backend, in mode tcp?";
	default:
		return "see HAProxy's log of the spoe-agent";
	}
}

static void log_broken(struct conn *c)
{
	struct conn_home *home = c->home;
	uint64_t n_left_out;
	counter_add(&home->counters->n_protocol_errors, 1);
	if (!log_pace_due(&home->broken, clock_mono_ns(), &n_left_out))
		return;
	char peer[ADDRESS_TEXT_BYTES];
	address_of_peer(c->io.fd, peer);
	log_event(LOG_WARNING, "spop_protocol_error",
	          "peer=%s status=%d text=\"%s\" cause=\"%s\" n_not_logged=%llu", peer,
	          (int)c->session.status, spop_status_text(c->session.status),
	          likely_cause(c->session.status), (unsigned long long)n_left_out);
}

/* returns false when the connection is to end after what stands in out */
static bool on_event(struct conn *c, enum spop_event event, const struct spop_frame *frame)
{
	switch (event) {
	case SPOP_NOTIFIED:
		answer_frame(c->home, c, frame, &c->out, c->session.max_frame_size);
		return true;
	case SPOP_GREETED:
		return true;
	case SPOP_CHECKED:
		counter_add(&c->home->counters->n_health_checks, 1);
		return false;
	case SPOP_BROKEN:
		log_broken(c);
		return false;
	case SPOP_GOODBYE:
	case SPOP_MORE:
		return false;
	}
	return false;
}

/* Room for the largest answer, so that one is never half written. */
static bool has_room(const struct conn *c)
{
	return outbuf_left(&c->out) >=
	       c->session.own_frame_size + SPOP_LENGTH_BYTES + SPOP_CONTROL_BYTES;
}

/* Answers what waited, then the whole frames that were received, as long as there is room for the answers. */
static void process(struct conn *c)
{
	struct parked *p;
	while (!c->closing && has_room(c) && (p = parked_take(&c->parked)))
		answer_parked(c->home, p, &c->out, c->session.max_frame_size);
	struct sv bytes = {(const char *)c->in, c->n_in};
	while (!c->closing && has_room(c)) {
		struct spop_frame frame;
		enum spop_event event = spop_session_next(&c->session, &bytes, &c->out, &frame);
		if (event == SPOP_MORE)
			break;
		c->closing = !on_event(c, event, &frame);
	}
	if (bytes.n && (const uint8_t *)bytes.at != c->in)
		memmove(c->in, bytes.at, bytes.n);
	c->n_in = bytes.n;
}

struct parked_list *conn_parked(struct conn *c)
{
	return &c->parked;
}

static bool would_block(ssize_t n)
{
	return n < 0 && (errno == EAGAIN || errno == EINTR);
}

static void listen_for(struct conn *c, int events)
{
	if ((c->io.events & (EV_READ | EV_WRITE)) == events)
		return;
	ev_io_stop(c->home->loop, &c->io);
	ev_io_modify(&c->io, events);
	ev_io_start(c->home->loop, &c->io);
}

/* returns false when the connection is gone. Everything of this turn leaves with one send(). */
static bool flush(struct conn *c)
{
	size_t left = c->out.n - c->n_sent;
	ssize_t n = left ? send(c->io.fd, c->out.at + c->n_sent, left, MSG_NOSIGNAL) : 0;
	if (n < 0 && !would_block(n))
		return false;
	c->n_sent += n > 0 ? (size_t)n : 0;
	if (c->n_sent < c->out.n) {
		listen_for(c, EV_WRITE); /* who does not read our answers is not heard either */
		return true;
	}
	if (c->home->gives_tokens)
		secret_wipe(c->out.at, c->out.n);
	c->out.n = c->n_sent = 0;
	if (c->closing)
		return false;
	listen_for(c, EV_READ);
	return true;
}

/* Counted from the accept, or from the last whole frame: a byte now and then buys nobody time. */
static void set_deadline(struct conn *c, bool advanced)
{
	bool greeted = c->session.state != SPOP_EXPECT_HELLO;
	if (greeted && !c->n_in && !c->out.n) {
		ev_timer_stop(c->home->loop, &c->deadline);
		return;
	}
	if (ev_is_active(&c->deadline) && !advanced)
		return;
	ev_timer_stop(c->home->loop, &c->deadline);
	ev_timer_set(&c->deadline, greeted ? frame_seconds : hello_seconds, 0.);
	ev_timer_start(c->home->loop, &c->deadline);
}

/* Answers and sends until nothing whole is left or the peer does not take more. */
static void turn(struct conn *c)
{
	const size_t received = c->n_in;
	size_t before;
	do {
		before = c->n_in;
		process(c);
		if (c->out.failed || !flush(c)) {
			conn_close(c);
			return;
		}
	} while (c->out.n == 0 && (c->parked.first || (c->n_in && c->n_in < before)));
	set_deadline(c, c->n_in < received);
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	struct conn *c = io->data;
	(void)loop;
	if (events & EV_READ) {
		ssize_t n = recv(io->fd, c->in + c->n_in, c->max_in - c->n_in, 0);
		if (would_block(n))
			return;
		if (n <= 0) { /* HAProxy 3.1 and later ends so, without a word */
			conn_close(c);
			return;
		}
		c->n_in += (size_t)n;
		c->heard_ns = clock_mono_ns();
	}
	turn(c);
}

static void on_deadline(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct conn *c = timer->data;
	(void)loop;
	(void)events;
	if (outbuf_left(&c->out) >= SPOP_CONTROL_BYTES)
		spop_session_end(&c->session, SPOP_STATUS_TIMEOUT, &c->out);
	log_broken(c);
	(void)flush(c); /* as much as the peer takes now */
	conn_close(c);
}

static struct conn *conn_new(struct conn_home *home)
{
	struct conn *c = calloc(1, sizeof(*c));
	if (!c)
		return NULL;
	size_t frame = home->options->max_frame_size + SPOP_LENGTH_BYTES;
	size_t max_out = frame + SPOP_CONTROL_BYTES + OUT_EXTRA_BYTES;
	c->home = home;
	parked_list_init(&c->parked);
	c->max_in = MAX_OF(frame, (size_t)65536);
	c->in = malloc(c->max_in);
	c->out = outbuf_over(malloc(max_out), max_out);
	if (c->in && c->out.at)
		return c;
	free(c->in);
	free(c->out.at);
	free(c);
	return NULL;
}

void conn_open(struct conn_home *home, int fd)
{
	struct conn *c = conn_new(home);
	int on = 1;
	if (!c) {
		(void)close(fd);
		return;
	}
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on,
	                 sizeof(on)); /* fails on UNIX: no matter */
	(void)setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	spop_session_init(&c->session, home->options->max_frame_size);
	c->session.draining = home->draining;
	c->heard_ns = clock_mono_ns();
	ev_io_init(&c->io, on_io, fd, EV_READ);
	ev_init(&c->deadline, on_deadline);
	c->io.data = c->deadline.data = c;
	c->next = home->conns;
	c->link = &home->conns;
	if (c->next)
		c->next->link = &c->next;
	home->conns = c;
	counter_add(&home->counters->n_connections, 1);
	counter_add(&home->counters->n_accepted, 1);
	ev_io_start(home->loop, &c->io);
	set_deadline(c, false);
}

void conn_resume(struct conn_home *home)
{
	for (struct conn *c = home->conns, *next; c; c = next) {
		next = c->next;
		if (c->parked.first)
			turn(c);
	}
}

void conn_resume_one(struct conn *c)
{
	turn(c);
}

void conn_close_all(struct conn_home *home)
{
	while (home->conns)
		conn_close(home->conns);
}

void conn_drain(struct conn_home *home, uint64_t quiet_ns)
{
	uint64_t now = clock_mono_ns();
	home->draining = true;
	for (struct conn *c = home->conns, *next; c; c = next) {
		next = c->next;
		c->session.draining = true;
		if (c->closing || c->n_in || c->out.n || c->parked.n ||
		    now - c->heard_ns < quiet_ns)
			continue;
		if (c->session.state == SPOP_READY)
			spop_session_end(&c->session, SPOP_STATUS_NORMAL, &c->out);
		c->closing = true;
		if (!flush(c))
			conn_close(c);
	}
}
