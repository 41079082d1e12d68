/* One GET or POST over http or https: a body within FETCH_BODY_MAX_BYTES and how long it says it is fresh. TLS is verified,
 * redirects are not followed, proxies of the environment not asked. A private part of fetch.c, of its thread.
 */
#ifndef FETCH_TRANSFER_H
#define FETCH_TRANSFER_H

#include "core/strbuf.h"
#include "fetch/fetch.h"

#include <curl/curl.h>

struct transfer_options {
	char *ca_file; /* NULL: the system's */
	unsigned timeout_ms;
};

/* What is asked for; stays where it is until transfer_end(). */
struct transfer_request {
	const char *url;
	struct sv form;             /* empty: GET */
	struct curl_slist *headers; /* more of them; NULL: none */
	unsigned timeout_ms;        /* 0: that of the options */
};

/* Zeroed: none is under way. Stays where it is while one is. */
struct transfer {
	void (*done)(void *user, CURLcode code); /* set before transfer_begin() */
	void *user;
	CURL *easy; /* NULL: none is under way */
	struct strbuf body;
	char curl_error[CURL_ERROR_SIZE], error[256];
	long max_age_s; /* of the answer, at most TRANSFER_AGE_MAX_S; -1 when it says none */
};

enum { TRANSFER_AGE_MAX_S = 3600 }; /* an issuer that says a year is asked at least this often */

/* transfer_begin - errors: false: it could not be set up, and done is not called */
MUST_CHECK bool transfer_begin(struct transfer *t, CURLM *multi,
                               const struct transfer_request *request,
                               const struct transfer_options *options);
/* transfer_done - what curlloop.done is to call: tells the transfer's own. */
void transfer_done(void *transfer, CURLcode code);
/* transfer_result - what became of it. lifetime: its views until transfer_end() */
void transfer_result(struct transfer *t, CURLcode code, struct fetch_result *ret);
/* transfer_end - also in the middle of it, and when none is under way; the body is wiped, max_age_s stays. */
void transfer_end(struct transfer *t, CURLM *multi);

#endif
