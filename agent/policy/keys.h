/* The key sets of issuers and the bundles of trust domains, fetched and kept: one for each URL and for each issuer
 * that is discovered, shared by every policy set that names it, so that a published policy set finds its keys at once. Good bodies become key
 * sets, an unknown kid becomes a wish for a refetch; a failed fetch leaves the last good set in force, and has the
 * issuer asked again where its keys are.
 */
#ifndef POLICY_KEYS_H
#define POLICY_KEYS_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct jwks;
struct key_source;
struct keyslot;
struct policy_keys;
struct trustslot;

/* A fetch ended.
 *
 * in      body: counts when error is NULL; error: what went wrong, for people
 * returns whether the body was a good key set: a bad one is fetched again as a failure is
 */
typedef bool policy_keys_done_fn(void *user, struct sv body, const char *error);

/* Who fetches: fetch/ in the agent (policy/keyfetch.h), a fake in tests. */
struct policy_keys_fetcher {
	/* Fetches url now, again as it goes stale, and after each kick. errors: 0, -errno */
	int (*watch)(void *user, const char *url, policy_keys_done_fn *done, void *done_user,
	             void **ret_watch);
	/* Wants it fetched soon. Never blocks; any thread. */
	void (*kick)(void *user, void *watch);
	/* Ends it; done is not called any more when this returns. Also out of done of another watch. */
	void (*unwatch)(void *user, void *watch);
	/* When it is fetched next, Unix seconds; 0: at once. NULL: not known. Any thread. */
	int64_t (*next_at)(void *user, void *watch);
	void *user;
};

/* policy_keys_new - an empty registry.
 *
 * in      fetcher: copied; its user outlives the registry
 * errors  0, -ENOMEM
 */
MUST_CHECK int policy_keys_new(const struct policy_keys_fetcher *fetcher, struct policy_keys **ret);
/* policy_keys_free - after the last policy that used it. */
void policy_keys_free(struct policy_keys *keys);

/* policy_keys_acquire - the key slot of what is fetched, watched from now on.
 *
 * out     *ret: one use of the slot, given back with policy_keys_release()
 * errors  0, -ENOMEM, -errno of the fetcher, e.g. -EINVAL for a URL it may not fetch
 * thread  any but the one that fetches
 */
MUST_CHECK int policy_keys_acquire(struct policy_keys *keys, const struct key_source *source,
                                   struct keyslot **ret);
void policy_keys_release(struct policy_keys *keys, struct keyslot *slot);

/* policy_bundles_acquire, policy_bundles_release - the same for the bundle of a trust domain. */
MUST_CHECK int policy_bundles_acquire(struct policy_keys *keys, const char *url,
                                      struct trustslot **ret);
void policy_bundles_release(struct policy_keys *keys, struct trustslot *slot);

/* What is known about one key set or bundle, for people. */
struct policy_keys_status {
	const char *url;        /* of the key set; "" when it is not discovered yet */
	const char *issuer;     /* whose document names the URL; NULL: it was given */
	int64_t discovered_at;  /* Unix seconds of the last good document; 0: none yet */
	int64_t fetched_at;     /* of the last good set; 0: none yet */
	int64_t next_at;        /* of the next planned try; 0: not known */
	const struct jwks *set; /* in force; NULL: none yet, or a bundle */
	size_t n_keys;          /* of a bundle: its certificates */
	bool is_bundle;
	const char *
		error; /* why the last try failed, of the document or of the keys; "" when it did not */
};
typedef void policy_keys_each_fn(void *user, const struct policy_keys_status *status);

/* policy_keys_each - every key set and bundle watched. each must not call the registry. */
void policy_keys_each(struct policy_keys *keys, policy_keys_each_fn *each, void *user);
/* policy_keys_look - the one of this slot. returns false when it is none that is fetched */
bool policy_keys_look(struct policy_keys *keys, const struct keyslot *slot,
                      policy_keys_each_fn *each, void *user);

#endif
