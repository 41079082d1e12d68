#include "core/clock.h"
#include "core/macros.h"
#include "load.h"
#include "spop/frame.h"
#include "spop/value.h"

#include <errno.h>
#include <ev.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { IN_BYTES = 1 << 18, FRAME_SIZE = 16380, N_CONNECTIONS_MAX = 64 };

struct asker {
	ev_io reader, writer;
	struct load *load;
	size_t first, end; /* its share of the questions */
	size_t next;       /* the first that is not sent whole */
	size_t sent;       /* bytes of it that are */
	unsigned waiting;  /* questions without an answer yet */
	bool greeted, asked_all;
	size_t n_in;
	unsigned char in[IN_BYTES];
};

struct load {
	const struct load_plan *plan;
	const struct load_frames *frames;
	struct load_result result;
	unsigned n_open;
	bool stopping;
	struct asker askers[N_CONNECTIONS_MAX];
};

_Noreturn void load_give_up(const char *what, int error)
{
	fprintf(stderr, "spopload: %s: %s\n", what, strerror(error));
	_exit(1);
}

static struct outbuf hello(unsigned char *room, size_t n)
{
	struct outbuf b = outbuf_over(room, n);
	size_t at = spop_frame_open(&b, SPOP_HAPROXY_HELLO, 0, 0);
	spop_text_write(&b, SVL("supported-versions"));
	spop_value_string(&b, SVL("2.0"));
	spop_text_write(&b, SVL("max-frame-size"));
	spop_value_uint32(&b, FRAME_SIZE);
	spop_text_write(&b, SVL("capabilities"));
	spop_value_string(&b, SVL("pipelining"));
	spop_text_write(&b, SVL("engine-id"));
	spop_value_string(&b, SVL("spopload"));
	spop_frame_close(&b, at);
	return b;
}

static int open_connection(const struct address *agent)
{
	const int on = 1;
	int fd = socket(agent->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, (const struct sockaddr *)&agent->at, agent->n) < 0)
		load_give_up("connect", errno);
	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	unsigned char room[256];
	struct outbuf b = hello(room, sizeof(room));
	if (write(fd, b.at, b.n) != (ssize_t)b.n || fcntl(fd, F_SETFL, O_NONBLOCK) < 0)
		load_give_up("hello", errno);
	return fd;
}

/* The questions from next on that the window lets out, as one run of bytes: they lie one after the other. */
static size_t sendable(const struct asker *a, size_t *ret_last)
{
	const size_t *starts = a->load->frames->starts;
	size_t last = MIN_OF(a->end, a->next + (a->load->plan->window - a->waiting));
	*ret_last = last;
	return starts[last] - starts[a->next] - a->sent;
}

static void count_sent(struct asker *a, size_t n)
{
	const size_t *starts = a->load->frames->starts;
	a->sent += n;
	while (a->next < a->end && a->sent >= starts[a->next + 1] - starts[a->next]) {
		a->sent -= starts[a->next + 1] - starts[a->next];
		a->next++;
		a->waiting++;
	}
	if (a->next < a->end)
		return;
	a->asked_all = a->load->plan->once;
	if (!a->asked_all)
		a->next = a->first;
}

static void ask(struct ev_loop *loop, struct asker *a)
{
	const struct load_frames *frames = a->load->frames;
	while (a->greeted && !a->asked_all && !(a->load->stopping && a->sent == 0)) {
		size_t last, n = sendable(a, &last);
		if (n == 0)
			break;
		ssize_t done =
			write(a->writer.fd, frames->bytes + frames->starts[a->next] + a->sent, n);
		if (done < 0 && errno == EAGAIN) {
			ev_io_start(loop, &a->writer);
			return;
		}
		if (done < 0)
			load_give_up("the agent left", errno);
		count_sent(a, (size_t)done);
	}
	ev_io_stop(loop, &a->writer);
	if (a->waiting == 0 && a->greeted && (a->asked_all || a->load->stopping) && a->sent == 0 &&
	    ev_is_active(&a->reader)) {
		ev_io_stop(loop, &a->reader);
		if (--a->load->n_open == 0)
			ev_break(loop, EVBREAK_ALL);
	}
}

static void count_answer(struct asker *a, const struct spop_frame *ack)
{
	static const char yes[] = "\x01\x03\x02\x05"
				  "allow\x11";
	bool allowed = sv_starts(ack->payload, SVL(yes));
	a->waiting--;
	a->load->result.allowed += allowed;
	a->load->result.refused += !allowed;
}

static void take_frames(struct asker *a)
{
	struct sv bytes = {(const char *)a->in, a->n_in};
	struct spop_frame frame;
	while (spop_frame_cut(&bytes, FRAME_SIZE, &frame) == SPOP_CUT_FRAME) {
		if (frame.type == SPOP_ACK && a->waiting)
			count_answer(a, &frame);
		else if (frame.type == SPOP_AGENT_HELLO && !a->greeted)
			a->greeted = true;
		else
			load_give_up("the agent sent what was not asked for", EPROTO);
	}
	memmove(a->in, bytes.at, bytes.n);
	a->n_in = bytes.n;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct asker *a = io->data;
	ssize_t n = read(io->fd, a->in + a->n_in, sizeof(a->in) - a->n_in);
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0)
		load_give_up("the agent left", n < 0 ? errno : ECONNRESET);
	a->n_in += (size_t)n;
	take_frames(a);
	ask(loop, a);
}

static void on_writable(struct ev_loop *loop, ev_io *io, int events)
{
	(void)events;
	ask(loop, io->data);
}

static void on_end(struct ev_loop *loop, ev_timer *timer, int events)
{
	struct load *load = timer->data;
	(void)events;
	load->stopping = true;
	for (unsigned i = 0; i < load->plan->connections; i++)
		ask(loop, &load->askers[i]);
}

static void open_asker(struct ev_loop *loop, struct load *load, unsigned i)
{
	struct asker *a = &load->askers[i];
	size_t n = load->frames->n, of = load->plan->connections;
	a->load = load;
	a->first = a->next = n * i / of;
	a->end = n * (i + 1) / of;
	int fd = open_connection(load->plan->agent);
	ev_io_init(&a->reader, on_readable, fd, EV_READ);
	ev_io_init(&a->writer, on_writable, fd, EV_WRITE);
	a->reader.data = a->writer.data = a;
	ev_io_start(loop, &a->reader);
	load->n_open++;
}

struct load_result load_client_run(const struct load_plan *plan, const struct load_frames *frames)
{
	static struct load load;
	struct ev_loop *loop = ev_default_loop(0);
	ev_timer end;
	if (plan->connections < 1 || plan->connections > N_CONNECTIONS_MAX ||
	    plan->connections > frames->n)
		load_give_up("connections: 1 to 64, and no more than tokens", EINVAL);
	load.plan = plan;
	load.frames = frames;
	for (unsigned i = 0; i < plan->connections; i++)
		open_asker(loop, &load, i);
	ev_timer_init(&end, on_end, plan->seconds, 0);
	end.data = &load;
	if (!plan->once)
		ev_timer_start(loop, &end);
	uint64_t start = clock_mono_ns();
	ev_run(loop, 0);
	load.result.seconds = (double)(clock_mono_ns() - start) / 1e9;
	for (unsigned i = 0; i < plan->connections; i++)
		close(load.askers[i].reader.fd);
	return load.result;
}
