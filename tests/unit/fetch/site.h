/* The other side: an HTTP server on loopback that answers one connection after another, as it is told. */
#ifndef UNIT_FETCH_SITE_H
#define UNIT_FETCH_SITE_H

#include "support/cmocka_prelude.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct site {
	int fd;
	unsigned port;
	pthread_t thread;
	atomic_bool stop;
	atomic_uint n_requests;
	_Atomic(const char *) answer; /* what every request gets; NULL: nothing, ever */
	atomic_bool hangs_up;         /* closes before it answers */
	atomic_bool drips;            /* a byte now and then */
	void (*serve_one)(struct site *site, int fd);
};

static inline bool site_gone(struct site *site, int fd, int ms)
{
	struct pollfd peer = {.fd = fd, .events = POLLIN};
	return atomic_load(&site->stop) || poll(&peer, 1, ms) != 0;
}

static inline void site_serve_plain(struct site *site, int fd)
{
	char request[2048];
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	if (poll(&readable, 1, 1000) != 1 || recv(fd, request, sizeof(request), 0) <= 0)
		return;
	atomic_fetch_add(&site->n_requests, 1);
	const char *answer = atomic_load(&site->answer);
	if (atomic_load(&site->hangs_up))
		return;
	if (answer && !atomic_load(&site->drips))
		(void)send(fd, answer, strlen(answer), MSG_NOSIGNAL);
	for (; answer && atomic_load(&site->drips) && *answer; answer++)
		if (site_gone(site, fd, 20) || send(fd, answer, 1, MSG_NOSIGNAL) != 1)
			return;
	while (!answer && !site_gone(site, fd, 20)) /* until the other side loses patience */
		;
}

static inline void *site_run(void *arg)
{
	struct site *site = arg;
	struct pollfd door = {.fd = site->fd, .events = POLLIN};
	while (!atomic_load(&site->stop)) {
		if (poll(&door, 1, 20) != 1)
			continue;
		int fd = accept(site->fd, NULL, NULL);
		site->serve_one(site, fd);
		(void)close(fd);
	}
	return NULL;
}

/* in: serve_one: site_serve_plain() or the test's own */
static inline void site_open(struct site *site, const char *answer,
                             void (*serve_one)(struct site *site, int fd))
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof(at);
	memset(site, 0, sizeof(*site));
	site->fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	site->serve_one = serve_one;
	atomic_store(&site->answer, answer);
	assert_int_equal(bind(site->fd, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(site->fd, 16), 0);
	assert_int_equal(getsockname(site->fd, (struct sockaddr *)&at, &n), 0);
	site->port = ntohs(at.sin_port);
	assert_int_equal(pthread_create(&site->thread, NULL, site_run, site), 0);
}

static inline void site_close(struct site *site)
{
	atomic_store(&site->stop, true);
	assert_int_equal(pthread_join(site->thread, NULL), 0);
	(void)close(site->fd);
}

#endif
