#include "load.h"
#include "spop/session.h"
#include "spop/value.h"

#include <errno.h>
#include <ev.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { OWN_FRAME_SIZE = 65536, IN_BYTES = 1 << 18, OUT_BYTES = 1 << 18 };

struct guest {
	ev_io io;
	struct spop_session session;
	size_t n_in;
	uint8_t in[IN_BYTES], out[OUT_BYTES];
};

/* The least an answer can be: allow, and no more. */
static void say_yes(struct outbuf *out, const struct spop_frame *notify)
{
	size_t at = spop_frame_open(out, SPOP_ACK, notify->stream_id, notify->frame_id);
	outbuf_u8(out, SPOP_ACTION_SET_VAR);
	outbuf_u8(out, 3);
	outbuf_u8(out, SPOP_SCOPE_TRANSACTION);
	spop_text_write(out, SVL("allow"));
	spop_value_bool(out, true);
	spop_frame_close(out, at);
}

static void leave(struct ev_loop *loop, struct guest *g)
{
	ev_io_stop(loop, &g->io);
	close(g->io.fd);
	free(g);
}

/* The answers of one read are far smaller than a socket's buffer; a peer that does not take them is let go. */
static bool send_all(const struct guest *g, const struct outbuf *out)
{
	return out->n == 0 || write(g->io.fd, out->at, out->n) == (ssize_t)out->n;
}

static bool answer(struct guest *g)
{
	struct sv bytes = {(const char *)g->in, g->n_in};
	struct outbuf out = outbuf_over(g->out, sizeof(g->out));
	struct spop_frame frame;
	enum spop_event event;
	while ((event = spop_session_next(&g->session, &bytes, &out, &frame)) != SPOP_MORE) {
		if (event == SPOP_NOTIFIED)
			say_yes(&out, &frame);
		else if (event != SPOP_GREETED)
			break;
	}
	memmove(g->in, bytes.at, bytes.n);
	g->n_in = bytes.n;
	return send_all(g, &out) && event == SPOP_MORE;
}

static void on_readable(struct ev_loop *loop, ev_io *io, int events)
{
	struct guest *g = io->data;
	ssize_t n = read(io->fd, g->in + g->n_in, sizeof(g->in) - g->n_in);
	(void)events;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		g->n_in += (size_t)n;
		if (answer(g))
			return;
	}
	leave(loop, g);
}

static void on_guest(struct ev_loop *loop, ev_io *io, int events)
{
	int fd = accept4(io->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	struct guest *g = fd < 0 ? NULL : malloc(sizeof(*g));
	(void)events;
	if (fd < 0)
		return;
	if (!g)
		load_give_up("memory", ENOMEM);
	g->n_in = 0;
	spop_session_init(&g->session, OWN_FRAME_SIZE);
	ev_io_init(&g->io, on_readable, fd, EV_READ);
	g->io.data = g;
	ev_io_start(loop, &g->io);
}

static void on_signal(struct ev_loop *loop, ev_signal *signal, int events)
{
	(void)signal, (void)events;
	ev_break(loop, EVBREAK_ALL);
}

void load_agent_run(const struct address *listen)
{
	struct ev_loop *loop = ev_default_loop(0);
	ev_signal term, interrupt;
	ev_io door;
	int fd = address_listen(listen, 0600);
	if (fd < 0)
		load_give_up("listen", -fd);
	ev_io_init(&door, on_guest, fd, EV_READ);
	ev_io_start(loop, &door);
	ev_signal_init(&term, on_signal, SIGTERM);
	ev_signal_start(loop, &term);
	ev_signal_init(&interrupt, on_signal, SIGINT);
	ev_signal_start(loop, &interrupt);
	ev_run(loop, 0);
	close(fd);
}
