#include "fetch/requests.h"

#include "core/secret.h"

#include <errno.h>
#include <stdlib.h>

struct request {
	struct request *next, **link;
	struct requests *owner;
	struct transfer transfer;
	struct transfer_request what; /* views text */
	fetch_answered_fn *done;
	void *user;
	size_t n_text;
	char text[]; /* URL, form and authorization, each terminated; secrets */
};

void requests_init(struct requests *r, const struct transfer_options *options)
{
	*r = (struct requests){.options = options};
	(void)pthread_mutex_init(&r->lock, NULL);
	r->last = &r->waiting;
}

static void free_headers(struct curl_slist *headers)
{
	for (struct curl_slist *h = headers; h; h = h->next)
		secret_wipe(h->data, strlen(h->data));
	curl_slist_free_all(headers);
}

static void request_free(struct request *q)
{
	free_headers(q->what.headers);
	secret_wipe(q->text, q->n_text);
	free(q);
}

/* Copies text, terminated, to *at and moves *at behind it. */
static struct sv keep(struct sv text, char **at)
{
	struct sv copy = {*at, text.n};
	if (text.n)
		memcpy(*at, text.at, text.n);
	(*at)[text.n] = '\0';
	*at += text.n + 1;
	return copy;
}

static bool add_header(struct curl_slist **headers, const char *line)
{
	struct curl_slist *more = curl_slist_append(*headers, line);
	if (more)
		*headers = more;
	return more;
}

static bool set_headers(struct request *q, struct sv authorization)
{
	/* no 100-continue: a round trip for nothing */
	bool good = add_header(&q->what.headers, "Accept: application/json") &&
	            add_header(&q->what.headers, "Expect:");
	return good && (!authorization.n || add_header(&q->what.headers, authorization.at));
}

static struct request *request_new(const struct fetch_request *from)
{
	static const struct sv name = SV("Authorization: ");
	struct sv url = sv_of(from->url);
	size_t n = url.n + from->form.n + name.n + from->authorization.n + 3;
	struct request *q = calloc(1, sizeof(*q) + n);
	if (!q)
		return NULL;
	char *at = q->text;
	q->n_text = n;
	q->what = (struct transfer_request){.url = keep(url, &at).at,
	                                    .form = keep(from->form, &at),
	                                    .timeout_ms = from->timeout_ms};
	struct sv authorization = {at, 0};
	if (from->authorization.n) {
		memcpy(at, name.at, name.n);
		at += name.n;
		authorization.n = name.n + keep(from->authorization, &at).n;
	}
	if (set_headers(q, authorization))
		return q;
	request_free(q);
	return NULL;
}

static int append(struct requests *r, struct request *q)
{
	int result = r->closed ? -ESHUTDOWN : r->n >= FETCH_REQUESTS_MAX ? -EAGAIN : 0;
	if (result)
		return result;
	r->n++;
	*r->last = q;
	r->last = &q->next;
	return 0;
}

int requests_add(struct requests *r, const struct fetch_request *request, fetch_answered_fn *done,
                 void *user)
{
	struct request *q = request_new(request);
	if (!q)
		return -ENOMEM;
	q->owner = r;
	q->done = done;
	q->user = user;
	(void)pthread_mutex_lock(&r->lock);
	int result = append(r, q);
	(void)pthread_mutex_unlock(&r->lock);
	if (result)
		request_free(q);
	return result;
}

void requests_close(struct requests *r)
{
	(void)pthread_mutex_lock(&r->lock);
	r->closed = true;
	(void)pthread_mutex_unlock(&r->lock);
}

/* ---- on the fetch thread ---- */

static void end(struct request *q, const struct fetch_result *result)
{
	struct requests *r = q->owner;
	q->done(q->user, result);
	transfer_end(&q->transfer, r->multi);
	request_free(q);
	(void)pthread_mutex_lock(&r->lock);
	r->n--;
	(void)pthread_mutex_unlock(&r->lock);
}

static void fail(struct request *q, const char *error)
{
	end(q, &(struct fetch_result){.error = error});
}

static void unlink_request(struct request *q)
{
	*q->link = q->next;
	if (q->next)
		q->next->link = q->link;
}

static void on_transferred(void *user, CURLcode code)
{
	struct request *q = user;
	struct fetch_result result;
	transfer_result(&q->transfer, code, &result);
	if (code == CURLE_OK && !q->transfer.body.failed)
		result.body = strbuf_sv(&q->transfer.body);
	unlink_request(q);
	end(q, &result);
}

static void begin(struct requests *r, struct request *q)
{
	q->transfer.done = on_transferred;
	q->transfer.user = q;
	if (!transfer_begin(&q->transfer, r->multi, &q->what, r->options)) {
		fail(q, "the transfer could not be set up");
		return;
	}
	q->next = r->under_way;
	q->link = &r->under_way;
	if (q->next)
		q->next->link = &q->next;
	r->under_way = q;
}

static struct request *take_waiting(struct requests *r, bool *closed)
{
	(void)pthread_mutex_lock(&r->lock);
	struct request *list = TAKE(r->waiting);
	r->last = &r->waiting;
	*closed = r->closed;
	(void)pthread_mutex_unlock(&r->lock);
	return list;
}

static void end_all(struct requests *r)
{
	while (r->under_way) {
		struct request *q = r->under_way;
		unlink_request(q);
		fail(q, "the agent is stopping");
	}
}

void requests_turn(struct requests *r)
{
	bool closed;
	for (struct request *q = take_waiting(r, &closed), *next; q; q = next) {
		next = q->next;
		if (closed)
			fail(q, "the agent is stopping");
		else
			begin(r, q);
	}
	if (closed)
		end_all(r);
}

void requests_fini(struct requests *r)
{
	if (!r->options)
		return;
	requests_close(r);
	requests_turn(r);
	(void)pthread_mutex_destroy(&r->lock);
}
