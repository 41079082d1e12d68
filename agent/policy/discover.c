#include "policy/discover.h"

#include "authn/discovery.h"
#include "core/diag.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>

struct discover {
	const struct policy_keys_fetcher *fetcher;
	const char *issuer;
	discover_done_fn *done;
	void *user;
	pthread_mutex_t lock; /* watches; held for a moment, never while a watch begins or ends */
	struct form {
		struct discover *discover;
		void *watch; /* NULL: not watched */
		bool good;   /* its last answer; the fetcher's thread's own */
	} forms[DISCOVERY_FORM_COUNT];
};

/* Takes a watch out, so that nobody kicks it any more. */
static void *take_watch(struct discover *d, enum discovery_form form)
{
	(void)pthread_mutex_lock(&d->lock);
	void *watch = d->forms[form].watch;
	d->forms[form].watch = NULL;
	(void)pthread_mutex_unlock(&d->lock);
	return watch;
}

static void end(struct discover *d, enum discovery_form form)
{
	void *watch = take_watch(d, form);
	if (watch)
		d->fetcher->unwatch(d->fetcher->user, watch);
}

static policy_keys_done_fn fetched;

static int begin(struct discover *d, enum discovery_form form)
{
	char url[DISCOVERY_URL_MAX_BYTES];
	void *watch = NULL;
	if (!discovery_url(d->issuer, form, url))
		return -EINVAL;
	int r = d->fetcher->watch(d->fetcher->user, url, fetched, &d->forms[form], &watch);
	if (r)
		return r;
	(void)pthread_mutex_lock(&d->lock);
	d->forms[form].watch = watch;
	(void)pthread_mutex_unlock(&d->lock);
	return 0;
}

/* --- on the fetcher's thread --- */

/* The other place is looked at while the first has nothing good, and no longer. Its watch is never the one whose
 * answer is at hand, or it would wait for itself. */
static void choose_forms(struct discover *d)
{
	if (d->forms[DISCOVERY_OPENID].good)
		end(d, DISCOVERY_OAUTH);
	else if (!d->forms[DISCOVERY_OAUTH].watch)
		(void)begin(d, DISCOVERY_OAUTH); /* the next failure tries again */
}

/* What one place says. That it has nothing is no error while the other has, nor is it ever of the second place:
 * most issuers have nothing there. */
static bool tell(struct form *form, const struct discovery *document, const char *error,
                 bool is_there)
{
	struct discover *d = form->discover;
	form->good = document && d->done(d->user, document, "");
	bool any_good = d->forms[DISCOVERY_OPENID].good || d->forms[DISCOVERY_OAUTH].good;
	bool matters = is_there || form == &d->forms[DISCOVERY_OPENID];
	if (!document && !any_good && matters)
		(void)d->done(d->user, NULL, error);
	return form->good;
}

static bool fetched(void *user, struct sv body, const char *error)
{
	struct form *form = user;
	struct discover *d = form->discover;
	struct discovery document = {0};
	struct diag diag = diag_over(NULL, body);
	bool is_there = !error;
	if (!error && discovery_read(body, d->issuer, &diag, &document) != 0)
		error = diag.n && diag.items[0].message ? diag.items[0].message : "memory is out";
	bool good = tell(form, error ? NULL : &document, error, is_there);
	if (form == &d->forms[DISCOVERY_OPENID])
		choose_forms(d);
	discovery_fini(&document);
	diag_fini(&diag);
	return good;
}

/* --- life --- */

void discover_kick(struct discover *d)
{
	(void)pthread_mutex_lock(&d->lock);
	for (unsigned i = 0; i < DISCOVERY_FORM_COUNT; i++)
		if (d->forms[i].watch)
			d->fetcher->kick(d->fetcher->user, d->forms[i].watch);
	(void)pthread_mutex_unlock(&d->lock);
}

/* The first's answers begin and end the second's watch, so it goes first. */
void discover_stop(struct discover *d)
{
	if (!d)
		return;
	end(d, DISCOVERY_OPENID);
	end(d, DISCOVERY_OAUTH);
}

void discover_free(struct discover *d)
{
	if (!d)
		return;
	(void)pthread_mutex_destroy(&d->lock);
	free(d);
}

int discover_start(const struct policy_keys_fetcher *fetcher, const char *issuer,
                   discover_done_fn *done, void *user, struct discover **ret)
{
	struct discover *d = calloc(1, sizeof(*d));
	if (!d)
		return -ENOMEM;
	*d = (struct discover){.fetcher = fetcher, .issuer = issuer, .done = done, .user = user};
	(void)pthread_mutex_init(&d->lock, NULL);
	for (unsigned i = 0; i < DISCOVERY_FORM_COUNT; i++)
		d->forms[i].discover = d;
	*ret = d; /* the first answer may come before this returns */
	int r = begin(d, DISCOVERY_OPENID);
	if (r == 0)
		return 0;
	*ret = NULL;
	discover_free(d);
	return r;
}
