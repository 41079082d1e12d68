/* What a policy is made of. Internal to this folder. */
#ifndef POLICY_SNAPSHOT_H
#define POLICY_SNAPSHOT_H

#include "authz/authz.h"
#include "core/hash.h"
#include "core/macros.h"
#include "core/refcount.h"

#include <jansson.h>
#include <stddef.h>
#include <stdint.h>

struct authn;
struct keyslot;
struct logins;
struct policy_keys;
struct trustslot;

struct policy {
	struct refcount refs;
	uint64_t version;
	uint64_t generation;
	uint8_t digest[SHA256_BYTES];
	struct authn *authn;
	struct authz *authz;
	struct logins *logins;
	json_t *tests;            /* an array or NULL; cases.h */
	struct policy_keys *keys; /* where slots came from; borrowed */
	struct keyslot **slots;   /* each given back to keys */
	size_t n_slots, room_slots;
	struct trustslot **bundles; /* of trust domains, the same */
	size_t n_bundles;
	uint32_t *hit_places; /* by the number of each policy, + 1; NULL: not counted. See hits.h */
};

/* policy_new - an empty one with one reference; NULL when memory is out. */
MUST_CHECK struct policy *policy_new(void);

#endif
