#include "policy/keys.h"

#include "authn/discovery.h"
#include "authn/endpoints.h"
#include "authn/issuer.h"
#include "authn/jwks.h"
#include "authn/keyslot.h"
#include "authn/trustslot.h"
#include "core/clock.h"
#include "core/diag.h"
#include "policy/discover.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_BYTES = 160 };

enum { BUNDLE = 1 << 8 }; /* beside JWKS_...: the bundle of a trust domain, not a key set */

/* The keys or the bundle of one URL, or the keys of one issuer whose document names the URL. */
struct entry {
	struct policy_keys *keys;
	struct entry *next;
	char *issuer;              /* NULL: the URL was given */
	unsigned flags;            /* JWKS_..., BUNDLE */
	struct keyslot *slot;      /* of a key set; */
	struct trustslot *bundle;  /* or of a bundle: the other is NULL */
	struct discover *discover; /* NULL: the URL was given */
	unsigned n_uses;

	pthread_mutex_t watch_lock; /* watch; held for a moment, never while one begins or ends */
	void *watch;                /* of the key set; NULL: not discovered yet */

	/* guarded by the registry's mutex */
	char *url; /* NULL: not discovered yet */
	int64_t fetched_at, discovered_at;
	size_t n_keys;
	char error[ERROR_BYTES], discovery_error[ERROR_BYTES];
};

struct policy_keys {
	struct policy_keys_fetcher fetcher;
	pthread_mutex_t mutex;
	struct entry *first;
};

int policy_keys_new(const struct policy_keys_fetcher *fetcher, struct policy_keys **ret)
{
	struct policy_keys *keys = calloc(1, sizeof(*keys));
	if (!keys)
		return -ENOMEM;
	int r = pthread_mutex_init(&keys->mutex, NULL);
	if (r != 0) {
		free(keys);
		return -r;
	}
	keys->fetcher = *fetcher;
	*ret = keys;
	return 0;
}

/* Nobody finds the entry any more. Discovery ends first, since it begins and ends the watch of the keys; its
 * memory stays until the keys' watch, which kicks it, has ended too. */
static void entry_free(struct entry *entry)
{
	const struct policy_keys_fetcher *fetcher = &entry->keys->fetcher;
	if (entry->slot)
		keyslot_disarm(entry->slot);
	if (entry->bundle)
		trustslot_disarm(entry->bundle);
	discover_stop(entry->discover);
	if (entry->watch)
		fetcher->unwatch(fetcher->user, entry->watch);
	discover_free(entry->discover);
	keyslot_unref(entry->slot);
	trustslot_unref(entry->bundle);
	(void)pthread_mutex_destroy(&entry->watch_lock);
	free(entry->issuer);
	free(entry->url);
	free(entry);
}

void policy_keys_free(struct policy_keys *keys)
{
	if (!keys)
		return;
	while (keys->first) {
		struct entry *entry = keys->first;
		keys->first = entry->next;
		entry_free(entry);
	}
	pthread_mutex_destroy(&keys->mutex);
	free(keys);
}

/* ---- from the fetcher's thread ---- */

static int64_t now_s(void)
{
	return clock_real_us() / 1000000;
}

static void note_keys(struct entry *entry, const char *error, size_t n_keys)
{
	pthread_mutex_lock(&entry->keys->mutex);
	(void)snprintf(entry->error, sizeof(entry->error), "%s", error);
	if (*error == '\0') {
		entry->fetched_at = now_s();
		entry->n_keys = n_keys;
	}
	pthread_mutex_unlock(&entry->keys->mutex);
}

/* The first thing that is wrong, with its place in the key set. */
static const char *first_error(const struct diag *d, char room[static ERROR_BYTES])
{
	const struct diag_item *item = d->n > 0 ? &d->items[0] : NULL;
	(void)snprintf(room, ERROR_BYTES, "%s%s%s", item && item->pointer ? item->pointer : "",
	               item && item->pointer && *item->pointer ? ": " : "",
	               item && item->message ? item->message
	                                     : "this is no set of usable keys or certificates");
	return room;
}

/* A set that cannot be had may have moved: the issuer is asked where it is. */
static bool fetched(void *user, struct sv body, const char *error)
{
	struct entry *entry = user;
	struct jwks *set = NULL;
	struct diag d = diag_over(NULL, body);
	char words[ERROR_BYTES];

	if (!error && jwks_parse(body, entry->flags, &d, &set) != 0)
		error = first_error(&d, words);
	note_keys(entry, error ? error : "", set ? set->n : 0);
	if (error) {
		keyslot_settle(entry->slot);
		if (entry->discover)
			discover_kick(entry->discover);
	} else {
		keyslot_publish(entry->slot, set);
	}
	diag_fini(&d);
	return !error;
}

/* An empty bundle is a good one: its domain took all its authorities back. */
static bool fetched_bundle(void *user, struct sv body, const char *error)
{
	struct entry *entry = user;
	struct trustbundle *bundle = NULL;
	struct diag d = diag_over(NULL, body);
	char words[ERROR_BYTES];

	if (!error && trustbundle_parse(body, &d, &bundle) != 0)
		error = first_error(&d, words);
	size_t n = bundle ? (size_t)sk_X509_num(bundle->anchors) : 0;
	if (!error && !trustslot_publish(entry->bundle, bundle))
		error = "this bundle is older than the one in force (spiffe_sequence)";
	if (error)
		trustslot_settle(entry->bundle);
	note_keys(entry, error ? error : "", n);
	diag_fini(&d);
	return !error;
}

static void note_discovery(struct entry *entry, const char *error)
{
	pthread_mutex_lock(&entry->keys->mutex);
	(void)snprintf(entry->discovery_error, sizeof(entry->discovery_error), "%s", error);
	if (*error == '\0')
		entry->discovered_at = now_s();
	pthread_mutex_unlock(&entry->keys->mutex);
}

/* Watches the keys at url, in place of where they were; the keys in force stay until new ones are there. */
static int move_keys(struct entry *entry, const char *url)
{
	const struct policy_keys_fetcher *fetcher = &entry->keys->fetcher;
	char *copy = strdup(url);
	void *watch = NULL;
	policy_keys_done_fn *done = entry->bundle ? fetched_bundle : fetched;
	int r = copy ? fetcher->watch(fetcher->user, url, done, entry, &watch) : -ENOMEM;
	if (r) {
		free(copy);
		return r;
	}
	(void)pthread_mutex_lock(&entry->watch_lock);
	void *old = entry->watch;
	entry->watch = watch;
	(void)pthread_mutex_unlock(&entry->watch_lock);
	if (old)
		fetcher->unwatch(fetcher->user, old);
	pthread_mutex_lock(&entry->keys->mutex);
	free(entry->url);
	entry->url = copy;
	pthread_mutex_unlock(&entry->keys->mutex);
	return 0;
}

/* Whoever signs people in looks there. A bundle has nobody who would. */
static int tell_endpoints(struct entry *entry, const struct discovery *document)
{
	struct endpoints *endpoints = NULL;
	int r = entry->slot ? endpoints_new(document, entry->issuer, &endpoints) : 1;
	if (r == 0)
		keyslot_tell(entry->slot, endpoints);
	return r < 0 ? r : 0;
}

static bool discovered(void *user, const struct discovery *document, const char *error)
{
	struct entry *entry = user;
	/* only this thread writes url, so that it may look without the mutex */
	if (document && (!entry->url || strcmp(entry->url, document->jwks_uri) != 0) &&
	    move_keys(entry, document->jwks_uri) != 0)
		error = "the discovered jwks_uri is not a URL that is fetched";
	if (document && tell_endpoints(entry, document) != 0)
		error = "memory is out";
	note_discovery(entry, error);
	if (*error)
		keyslot_settle(entry->slot);
	return *error == '\0';
}

/* ---- from a worker, in the middle of a verdict ---- */

static void wanted(void *user)
{
	struct entry *entry = user;
	const struct policy_keys_fetcher *fetcher = &entry->keys->fetcher;
	(void)pthread_mutex_lock(&entry->watch_lock);
	if (entry->watch)
		fetcher->kick(fetcher->user, entry->watch);
	else if (entry->discover)
		discover_kick(entry->discover);
	(void)pthread_mutex_unlock(&entry->watch_lock);
}

/* ---- from whoever loads policies ---- */

static int begin(struct entry *entry, const struct key_source *source)
{
	if (source->url)
		return move_keys(entry, source->url);
	entry->issuer = strdup(source->issuer);
	if (!entry->issuer)
		return -ENOMEM;
	return discover_start(&entry->keys->fetcher, entry->issuer, discovered, entry,
	                      &entry->discover);
}

static int entry_new(struct policy_keys *keys, const struct key_source *source, struct entry **ret)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	(void)pthread_mutex_init(&entry->watch_lock, NULL);
	entry->keys = keys;
	entry->flags = source->flags;
	if (source->flags & BUNDLE)
		entry->bundle = trustslot_new(wanted, entry);
	else
		entry->slot = keyslot_new(wanted, entry);
	int r = entry->slot || entry->bundle ? begin(entry, source) : -ENOMEM;
	if (r != 0) {
		entry_free(entry);
		return r;
	}
	*ret = entry;
	return 0;
}

static bool is_of(const struct entry *entry, const struct key_source *source)
{
	const char *mine = entry->issuer ? entry->issuer : entry->url;
	const char *asked = source->url ? source->url : source->issuer;
	return !source->url == !!entry->issuer && entry->flags == source->flags && mine &&
	       strcmp(mine, asked) == 0;
}

static struct entry *find_use(struct policy_keys *keys, const struct key_source *source)
{
	struct entry *entry;
	pthread_mutex_lock(&keys->mutex);
	for (entry = keys->first; entry; entry = entry->next)
		if (is_of(entry, source))
			break;
	if (entry)
		entry->n_uses++;
	pthread_mutex_unlock(&keys->mutex);
	return entry;
}

/* Two threads may come here with one source: each then has a watch of its own, which is only wasteful. */
static int acquire(struct policy_keys *keys, const struct key_source *source, struct entry **ret)
{
	struct entry *entry = find_use(keys, source);
	if (!entry) {
		int r = entry_new(keys, source, &entry);
		if (r != 0 || !entry)
			return r ? r : -ENOMEM;
		entry->n_uses = 1;
		pthread_mutex_lock(&keys->mutex);
		entry->next = keys->first;
		keys->first = entry;
		pthread_mutex_unlock(&keys->mutex);
	}
	*ret = entry;
	return 0;
}

int policy_keys_acquire(struct policy_keys *keys, const struct key_source *source,
                        struct keyslot **ret)
{
	struct entry *entry;
	int r = acquire(keys, source, &entry);
	if (r == 0)
		*ret = entry->slot;
	return r;
}

int policy_bundles_acquire(struct policy_keys *keys, const char *url, struct trustslot **ret)
{
	const struct key_source source = {.url = url, .flags = BUNDLE};
	struct entry *entry;
	int r = acquire(keys, &source, &entry);
	if (r == 0)
		*ret = entry->bundle;
	return r;
}

/* Takes one use back, by either slot; the entry when that was the last. */
static struct entry *drop_use(struct policy_keys *keys, const struct keyslot *slot,
                              const struct trustslot *bundle)
{
	struct entry *unused = NULL;
	pthread_mutex_lock(&keys->mutex);
	struct entry **at = &keys->first;
	while (*at && ((*at)->slot != slot || (*at)->bundle != bundle))
		at = &(*at)->next;
	if (*at && --(*at)->n_uses == 0) {
		unused = *at;
		*at = unused->next;
	}
	pthread_mutex_unlock(&keys->mutex);
	return unused;
}

void policy_keys_release(struct policy_keys *keys, struct keyslot *slot)
{
	struct entry *unused = keys ? drop_use(keys, slot, NULL) : NULL;
	if (unused)
		entry_free(unused);
}

void policy_bundles_release(struct policy_keys *keys, struct trustslot *slot)
{
	struct entry *unused = keys ? drop_use(keys, NULL, slot) : NULL;
	if (unused)
		entry_free(unused);
}

/* ---- for people ---- */

static int64_t next_at(struct entry *entry)
{
	const struct policy_keys_fetcher *fetcher = &entry->keys->fetcher;
	(void)pthread_mutex_lock(&entry->watch_lock);
	int64_t at = entry->watch && fetcher->next_at
	                     ? fetcher->next_at(fetcher->user, entry->watch)
	                     : 0;
	(void)pthread_mutex_unlock(&entry->watch_lock);
	return at;
}

static void show(struct entry *entry, policy_keys_each_fn *each, void *user)
{
	CLEANUP(jwks_unrefp) struct jwks *set = entry->slot ? keyslot_get(entry->slot) : NULL;
	const struct policy_keys_status status = {
		.url = entry->url ? entry->url : "",
		.issuer = entry->issuer,
		.discovered_at = entry->discovered_at,
		.fetched_at = entry->fetched_at,
		.next_at = next_at(entry),
		.set = set,
		.n_keys = entry->n_keys,
		.is_bundle = entry->bundle,
		.error = entry->discovery_error[0] ? entry->discovery_error : entry->error};
	each(user, &status);
}

void policy_keys_each(struct policy_keys *keys, policy_keys_each_fn *each, void *user)
{
	pthread_mutex_lock(&keys->mutex);
	for (struct entry *entry = keys->first; entry; entry = entry->next)
		show(entry, each, user);
	pthread_mutex_unlock(&keys->mutex);
}

bool policy_keys_look(struct policy_keys *keys, const struct keyslot *slot,
                      policy_keys_each_fn *each, void *user)
{
	pthread_mutex_lock(&keys->mutex);
	struct entry *entry = keys->first;
	while (entry && entry->slot != slot)
		entry = entry->next;
	if (entry)
		show(entry, each, user);
	pthread_mutex_unlock(&keys->mutex);
	return entry;
}
