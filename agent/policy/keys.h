/* The key sets of issuers, fetched and kept: one for each jwksUri, shared by every policy set that
 * names it, so that a published policy set finds its keys at once. This is where fetch/ and authn/
 * meet: good bodies become key sets, a wish for a refetch becomes a kick.
 */
#ifndef POLICY_KEYS_H
#define POLICY_KEYS_H

#include "core/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fetch;
struct keyslot;
struct policy_keys;

/* policy_keys_new - an empty registry over a running fetcher. errors: 0, -ENOMEM */
MUST_CHECK int policy_keys_new(struct fetch *fetch, struct policy_keys **ret);
/* policy_keys_free - after the last policy that used it. */
void policy_keys_free(struct policy_keys *keys);

/* policy_keys_acquire - the key slot of a URL, watched from now on.
 *
 * out     *ret: one reference to the slot, given back with policy_keys_release()
 * errors  0, -ENOMEM, -errno of the fetcher, e.g. -EINVAL for a URL it may not fetch
 */
MUST_CHECK int policy_keys_acquire(struct policy_keys *keys, const char *url, struct keyslot **ret);
void policy_keys_release(struct policy_keys *keys, struct keyslot *slot);

/* What is known about one key set, for people. */
struct policy_keys_status {
	const char *url;
	int64_t fetched_at; /* Unix seconds of the last good set; 0: none yet */
	size_t n_keys;
	const char *error; /* why the last try failed; "" when it did not */
};
typedef void policy_keys_each_fn(void *user, const struct policy_keys_status *status);
void policy_keys_each(struct policy_keys *keys, policy_keys_each_fn *each, void *user);

#endif
