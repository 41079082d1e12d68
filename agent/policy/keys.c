#include "policy/keys.h"

#include "authn/jwks.h"
#include "authn/keyslot.h"
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
	struct keyslot *slot;
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
	if (entry->watch)
		fetcher->unwatch(fetcher->user, entry->watch);
	keyslot_unref(entry->slot);
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

static void note(struct entry *entry, const char *error, size_t n_keys)
{
	pthread_mutex_lock(&entry->keys->mutex);
	(void)snprintf(entry->error, sizeof(entry->error), "%s", error);
	if (n_keys > 0) {
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
		note(entry, error, 0);
		keyslot_settle(entry->slot);
	} else {
		note(entry, "", set->n);
		keyslot_publish(entry->slot, set);
	}
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

static int entry_new(struct policy_keys *keys, const char *url, struct entry **ret)
{
	struct entry *entry = calloc(1, sizeof(*entry));
	if (!entry)
		return -ENOMEM;
	entry->keys = keys;
	entry->url = strdup(url);
	entry->slot = keyslot_new(wanted, entry);
	int r = entry->url && entry->slot ? 0 : -ENOMEM;
	if (r == 0)
		r = keys->fetcher.watch(keys->fetcher.user, url, fetched, entry, &entry->watch);
	if (r != 0) {
		entry_free(entry);
		return r;
	}
	*ret = entry;
	return 0;
}

static struct entry *find_use(struct policy_keys *keys, const char *url)
{
	struct entry *entry;
	pthread_mutex_lock(&keys->mutex);
	for (entry = keys->first; entry; entry = entry->next)
		if (strcmp(entry->url, url) == 0)
			break;
	if (entry)
		entry->n_uses++;
	pthread_mutex_unlock(&keys->mutex);
	return entry;
}

/* Two threads may come here with one URL: each then has a watch of its own, which is only wasteful. */
int policy_keys_acquire(struct policy_keys *keys, const char *url, struct keyslot **ret)
{
	struct entry *entry = find_use(keys, url);
	if (!entry) {
		int r = entry_new(keys, url, &entry);
		if (r != 0 || !entry)
			return r ? r : -ENOMEM;
		entry->n_uses = 1;
		pthread_mutex_lock(&keys->mutex);
		entry->next = keys->first;
		keys->first = entry;
		pthread_mutex_unlock(&keys->mutex);
	}
	*ret = entry->slot;
	return 0;
}

/* Takes one use back; the entry when that was the last. */
static struct entry *drop_use(struct policy_keys *keys, const struct keyslot *slot)
{
	struct entry *unused = NULL;
	pthread_mutex_lock(&keys->mutex);
	struct entry **at = &keys->first;
	while (*at && (*at)->slot != slot)
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
	struct entry *unused = keys ? drop_use(keys, slot) : NULL;
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
