#include "policy/keys.h"

#include "authn/jwks.h"
#include "authn/keyslot.h"
#include "authn/trustslot.h"
#include "core/clock.h"
#include "core/diag.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

enum { ERROR_BYTES = 160 };

struct entry {
	struct policy_keys *keys;
	struct entry *next;
	char *url;
	struct keyslot *slot;     /* of a key set; */
	struct trustslot *bundle; /* or of a bundle: the other is NULL */
	void *watch;
	unsigned n_uses;

	/* guarded by the registry's mutex */
	int64_t fetched_at;
	size_t n_keys;
	char error[ERROR_BYTES];
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

/* Nobody finds the entry any more; the fetcher is told first, then the slot's last users. */
static void entry_free(struct entry *entry)
{
	const struct policy_keys_fetcher *fetcher = &entry->keys->fetcher;
	if (entry->slot)
		keyslot_disarm(entry->slot);
	if (entry->bundle)
		trustslot_disarm(entry->bundle);
	if (entry->watch)
		fetcher->unwatch(fetcher->user, entry->watch);
	keyslot_unref(entry->slot);
	trustslot_unref(entry->bundle);
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

static void note(struct entry *entry, const char *error, bool good, size_t n_keys)
{
	pthread_mutex_lock(&entry->keys->mutex);
	(void)snprintf(entry->error, sizeof(entry->error), "%s", error);
	if (good) {
		entry->n_keys = n_keys;
		entry->fetched_at = clock_real_us() / 1000000;
	}
	pthread_mutex_unlock(&entry->keys->mutex);
}

static bool fetched(void *user, struct sv body, const char *error)
{
	struct entry *entry = user;
	struct jwks *set = NULL;
	struct diag d = diag_over(entry->url, body);

	if (!error && jwks_parse(body, false, &d, &set) != 0)
		error = d.n > 0 && d.items[0].message ? d.items[0].message
		                                      : "this is no set of usable keys";
	if (error) {
		note(entry, error, false, 0);
		keyslot_settle(entry->slot);
	} else {
		note(entry, "", true, set->n);
		keyslot_publish(entry->slot, set);
	}
	bool good = !error;
	diag_fini(&d);
	return good;
}

/* An empty bundle is a good one: its domain took all its authorities back. */
static bool fetched_bundle(void *user, struct sv body, const char *error)
{
	struct entry *entry = user;
	struct trustbundle *bundle = NULL;
	struct diag d = diag_over(entry->url, body);

	if (!error && trustbundle_parse(body, &d, &bundle) != 0)
		error = d.n > 0 && d.items[0].message ? d.items[0].message
		                                      : "this is no bundle of a trust domain";
	size_t n = bundle ? (size_t)sk_X509_num(bundle->anchors) : 0;
	if (!error && !trustslot_publish(entry->bundle, bundle))
		error = "this bundle is older than the one in force (spiffe_sequence)";
	if (error)
		trustslot_settle(entry->bundle);
	note(entry, error ? error : "", !error, n);
	bool good = !error;
	diag_fini(&d);
	return good;
}

/* ---- from a worker, in the middle of a verdict ---- */

static void wanted(void *user)
{
	struct entry *entry = user;
	const struct policy_keys_fetcher *fetcher = &entry->keys->fetcher;
	fetcher->kick(fetcher->user, entry->watch);
}

/* ---- from whoever loads policies ---- */

static int entry_new(struct policy_keys *keys, const char *url, bool is_bundle, struct entry **ret)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->keys = keys;
	entry->url = strdup(url);
	if (is_bundle)
		entry->bundle = trustslot_new(wanted, entry);
	else
		entry->slot = keyslot_new(wanted, entry);
	int r = entry->url && (entry->slot || entry->bundle) ? 0 : -ENOMEM;
	if (r == 0)
		r = keys->fetcher.watch(keys->fetcher.user, url,
		                        is_bundle ? fetched_bundle : fetched, entry, &entry->watch);
	if (r != 0) {
		entry_free(entry);
		return r;
	}
	*ret = entry;
	return 0;
}

static struct entry *find_use(struct policy_keys *keys, const char *url, bool is_bundle)
{
	struct entry *entry;
	pthread_mutex_lock(&keys->mutex);
	for (entry = keys->first; entry; entry = entry->next)
		if (!entry->bundle == !is_bundle && strcmp(entry->url, url) == 0)
			break;
	if (entry)
		entry->n_uses++;
	pthread_mutex_unlock(&keys->mutex);
	return entry;
}

/* Two threads may come here with one URL: each then has a watch of its own, which is only wasteful. */
static int acquire(struct policy_keys *keys, const char *url, bool is_bundle, struct entry **ret)
{
	struct entry *entry = find_use(keys, url, is_bundle);
	if (!entry) {
		int r = entry_new(keys, url, is_bundle, &entry);
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

int policy_keys_acquire(struct policy_keys *keys, const char *url, struct keyslot **ret)
{
	struct entry *entry;
	int r = acquire(keys, url, false, &entry);
	if (r == 0)
		*ret = entry->slot;
	return r;
}

int policy_bundles_acquire(struct policy_keys *keys, const char *url, struct trustslot **ret)
{
	struct entry *entry;
	int r = acquire(keys, url, true, &entry);
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

void policy_keys_each(struct policy_keys *keys, policy_keys_each_fn *each, void *user)
{
	pthread_mutex_lock(&keys->mutex);
	for (const struct entry *entry = keys->first; entry; entry = entry->next) {
		const struct policy_keys_status status = {.url = entry->url,
		                                          .fetched_at = entry->fetched_at,
		                                          .n_keys = entry->n_keys,
		                                          .error = entry->error};
		each(user, &status);
	}
	pthread_mutex_unlock(&keys->mutex);
}
