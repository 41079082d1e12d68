#include "fetch/curlloop.h"

#include <errno.h>
#include <stdlib.h>

static void reap(struct curlloop *c)
{
	int n;
	CURLMsg *message;
	while ((message = curl_multi_info_read(c->multi, &n))) {
		void *user = NULL;
		CURLcode code = message->data.result; /* the message goes with its transfer */
		if (message->msg != CURLMSG_DONE)
			continue;
		(void)curl_easy_getinfo(message->easy_handle, CURLINFO_PRIVATE, (char **)&user);
		c->done(user, code);
	}
}

static void drive(struct curlloop *c, curl_socket_t fd, int mask)
{
	int running;
	(void)curl_multi_socket_action(c->multi, fd, mask, &running);
	reap(c);
	c->turned(c->owner);
}

static void on_timer(struct ev_loop *loop, ev_timer *timer, int events)
{
	(void)loop;
	(void)events;
	drive(timer->data, CURL_SOCKET_TIMEOUT, 0);
}

static void on_io(struct ev_loop *loop, ev_io *io, int events)
{
	(void)loop;
	int mask = (events & EV_READ ? CURL_CSELECT_IN : 0) |
	           (events & EV_WRITE ? CURL_CSELECT_OUT : 0);
	drive(io->data, io->fd, mask);
}

/* curl tells which socket it waits for; one watcher a socket, kept by curl for us. */
static int on_socket(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_data)
{
	struct curlloop *c = user;
	ev_io *io = socket_data;
	(void)easy;
	if (io)
		ev_io_stop(c->loop, io);
	if (what == CURL_POLL_REMOVE) {
		free(io);
		return 0;
	}
	if (!io) {
		io = calloc(1, sizeof(*io));
		if (!io)
			return -1;
		ev_init(io, on_io);
		io->data = c;
		(void)curl_multi_assign(c->multi, fd, io);
	}
	ev_io_set(io, fd,
	          (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
	ev_io_start(c->loop, io);
	return 0;
}

static int on_timeout(CURLM *multi, long timeout_ms, void *user)
{
	struct curlloop *c = user;
	(void)multi;
	ev_timer_stop(c->loop, &c->timer);
	if (timeout_ms < 0)
		return 0;
	ev_timer_set(&c->timer, (double)timeout_ms / 1e3, 0.);
	ev_timer_start(c->loop, &c->timer);
	return 0;
}

int curlloop_init(struct curlloop *c)
{
	c->multi = curl_multi_init();
	if (!c->multi)
		return -ENOMEM;
	ev_init(&c->timer, on_timer);
	c->timer.data = c;
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETFUNCTION, on_socket);
	(void)curl_multi_setopt(c->multi, CURLMOPT_SOCKETDATA, c);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERFUNCTION, on_timeout);
	(void)curl_multi_setopt(c->multi, CURLMOPT_TIMERDATA, c);
	return 0;
}

void curlloop_fini(struct curlloop *c)
{
	(void)curl_multi_cleanup(c->multi); /* NULL is refused, without harm */
}
