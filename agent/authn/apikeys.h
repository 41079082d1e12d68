/* All API keys as one immutable table, shared by the workers: found by id in one probe or two.
 *
 * The last day a key was used is marked in it too, since a worker may not write to disk: who publishes tables
 * collects the marks.
 */
#ifndef AUTHN_APIKEYS_H
#define AUTHN_APIKEYS_H

#include "authn/apikeytext.h"
#include "core/hash.h"
#include "core/macros.h"
#include "core/netaddr.h"
#include "core/slot.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stdint.h>

struct apikeys;

/* One key: what a table is built from, and what is found in it. Lists have '\n' between their items. */
struct apikey {
	struct sv id;       /* APIKEY_TEXT_ID_CHARS */
	struct sv mac;      /* SHA256_BYTES */
	struct sv owner;    /* the user it stands for */
	struct sv client;   /* may be empty, as all below */
	struct sv groups;   /* list */
	struct sv scopes;   /* list */
	struct sv services; /* list; empty: any */
	struct sv networks; /* list, to build from; found: see apikeys_network_ok() */
	int64_t ends_s;     /* Unix seconds; 0: never */
	bool is_revoked, is_disabled;
	int64_t used_day; /* days since 1970; 0: never */
};

/* apikeys_new - an empty table for as many keys as n_room.
 *
 * in      pepper: what the macs were made with
 * out     *ret: one reference, the caller's; of one thread until it is published
 * errors  0, -ENOMEM, -EIO no randomness
 */
MUST_CHECK int apikeys_new(const uint8_t pepper[static APIKEY_PEPPER_BYTES], size_t n_room,
                           struct apikeys **ret);

/* apikeys_add - a copy of one key. errors: 0, -EBADMSG it is none, or stands twice; -ENOMEM, -ENOSPC */
MUST_CHECK int apikeys_add(struct apikeys *table, const struct apikey *key);

/* apikeys_trim - gives back the room that is not needed, once all keys are in it. */
void apikeys_trim(struct apikeys *table);

/* apikeys_shared, apikeys_of - the same thing with and without its type. */
struct shared *apikeys_shared(struct apikeys *table);
const struct apikeys *apikeys_of(const struct shared *shared);

size_t apikeys_count(const struct apikeys *table);
const uint8_t *apikeys_pepper(const struct apikeys *table);

/* Where a key stands in its table; APIKEYS_NONE: nowhere. */
enum { APIKEYS_NONE = -1 };
typedef int64_t apikeys_place;

apikeys_place apikeys_find(const struct apikeys *table, struct sv id);

/* apikeys_at - the key there. in: place below apikeys_count(); lifetime: the table's */
void apikeys_at(const struct apikeys *table, apikeys_place place, struct apikey *ret);

/* apikeys_network_ok - may the key be used from this address? */
bool apikeys_network_ok(const struct apikeys *table, apikeys_place place,
                        const struct netaddr *src);

/* apikeys_mark_used - notes the day. thread: any; writes only at the first use of a day */
void apikeys_mark_used(const struct apikeys *table, apikeys_place place, int64_t day);

/* apikeys_used_day - the later of what was told and what was marked. thread: any */
int64_t apikeys_used_day(const struct apikeys *table, apikeys_place place);

/* apikeys_unnoted_day - the same while nobody has noted it elsewhere; else 0. apikeys_note - this day is noted; a
 * later one, marked meanwhile, is not. thread: any */
int64_t apikeys_unnoted_day(const struct apikeys *table, apikeys_place place);
void apikeys_note(const struct apikeys *table, apikeys_place place, int64_t day);

#endif
