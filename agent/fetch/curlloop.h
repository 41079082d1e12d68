/* libcurl's transfers on a libev loop. A private part of fetch.c, of its thread. */
#ifndef FETCH_CURLLOOP_H
#define FETCH_CURLLOOP_H

#include "core/macros.h"

#include <curl/curl.h>
#include <ev.h>

struct curlloop {
	CURLM *multi;
	struct ev_loop *loop;
	ev_timer timer; /* curl's */
	void (*done)(void *user,
	             CURLcode code); /* a transfer's CURLOPT_PRIVATE; may end the transfer */
	void (*turned)(void *owner); /* curl did something: see what is to do now */
	void *owner;
};

/* curlloop_init - in: loop, done, turned and owner are set; c stays where it is. errors: 0 or -ENOMEM */
MUST_CHECK int curlloop_init(struct curlloop *c);
/* curlloop_fini - every transfer is over before. Zeroed is allowed. */
void curlloop_fini(struct curlloop *c);

#endif
