#ifndef STATE_APIKEYS_H
#define STATE_APIKEYS_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct state;

/* The API keys as they are kept: whom each stands for and until when; of its secret only a keyed digest. */

#define APIKEY_ID_CHARS       16 /* of A-Z a-z 0-9 */
#define APIKEY_MAC_BYTES      32
#define APIKEY_TEXT_MAX_BYTES 256 /* one text, one item of a list */
#define APIKEY_LIST_MAX_ITEMS 64
#define APIKEY_LIST_MAX_BYTES 4096                /* a list with its separators */
#define APIKEY_REVISION       "revision-api-keys" /* for state_revision() */

/* One key. A list is one text with '\n' between its items; empty: no item. Times are microseconds since 1970;
 * 0: never. All views: into memory, or what the caller gave. */
struct state_apikey {
	struct sv id;
	struct sv mac;      /* APIKEY_MAC_BYTES */
	struct sv owner;    /* the user it stands for */
	struct sv client;   /* the program that holds it; may be empty, as all below */
	struct sv note;     /* for people */
	struct sv groups;   /* list */
	struct sv scopes;   /* list */
	struct sv services; /* list; empty: any */
	struct sv networks; /* list of netaddr.h's blocks; empty: any */
	struct sv created_by, revoked_by, disabled_by;
	struct sv rotated_from, rotated_to; /* ids */
	int64_t created_us, expires_us, revoked_us, disabled_us;
	int64_t used_day; /* days since 1970 */
	char *memory;     /* owned; NULL: borrowed views */
};

void state_apikey_fini(struct state_apikey *key);

/* state_apikey_fault - what of the key may not be kept, as one sentence that begins with the member's name; NULL
 * when all may. The id and the mac are not looked at. */
const char *state_apikey_fault(const struct state_apikey *key);

/* state_apikey_add - errors: 0, -EEXIST, -EINVAL state_apikey_fault() says more, or a negative errno */
MUST_CHECK int state_apikey_add(struct state *state, const struct state_apikey *key);

/* state_apikey_get - a copy. errors: 0, -ENOENT, or a negative errno */
MUST_CHECK int state_apikey_get(const struct state *state, struct sv id, struct state_apikey *ret);

/* What comes in an old key's place. */
struct state_apikey_rotation {
	struct sv id, mac;  /* of the new key */
	struct sv by;       /* who asks for it */
	int64_t now_us;     /* the new key begins */
	int64_t old_end_us; /* the old one ends, unless it ends before */
	int64_t expires_us; /* of the new one; 0: never */
};

/* state_apikey_rotate - a new key that stands for the same, and an end for the old one, in one step.
 *
 * out     *ret: the new key, a copy
 * errors  0, -ENOENT, -EEXIST the new id is taken, -EKEYREVOKED, -EKEYEXPIRED, -EALREADY it was rotated before,
 *         or a negative errno
 */
MUST_CHECK int state_apikey_rotate(struct state *state, struct sv id,
                                   const struct state_apikey_rotation *how,
                                   struct state_apikey *ret);

/* state_apikey_revoke - ends the key for good; one that is revoked already stays as it is, which is 0 too. */
MUST_CHECK int state_apikey_revoke(struct state *state, struct sv id, struct sv by, int64_t now_us);

/* state_apikey_switch - disables a key, or enables it again; one that is so already stays as it is, which is 0 too.
 *
 * in      is_disabled: what it is to be
 * errors  0, -ENOENT, -EKEYREVOKED, or a negative errno
 */
MUST_CHECK int state_apikey_switch(struct state *state, struct sv id, bool is_disabled,
                                   struct sv by, int64_t now_us);

/* state_apikey_state - the word for people: "revoked", "disabled", "expired", "ending" (it was rotated), "active". */
const char *state_apikey_state(const struct state_apikey *key, int64_t now_us);

typedef int state_apikey_visit(void *user, const struct state_apikey *key);

/* state_apikey_list - visits keys, the newest first.
 *
 * in      after: the id of the key to go on behind; empty: from the newest. visit: returns 0 to go on; anything
 *         else ends the walk and is returned. Must not call into state; views hold until it returns
 * errors  0, -ENOENT there is no key `after`, or a negative errno
 */
MUST_CHECK int state_apikey_list(const struct state *state, struct sv after,
                                 state_apikey_visit *visit, void *user);

/* state_apikey_each - visits all in any order, faster; with their number and revision, all of one moment.
 *
 * in      begin: called first, with how many there are; may be NULL
 */
struct state_apikey_walk {
	int (*begin)(void *user, size_t n);
	state_apikey_visit *visit;
	void *user;
};
MUST_CHECK int state_apikey_each(const struct state *state, const struct state_apikey_walk *walk);

/* One key that was used, and when last. */
struct state_apikey_use {
	char id[APIKEY_ID_CHARS];
	int64_t day;
};

/* state_apikeys_used - notes the day of last use of some keys; those that are gone are passed over. Is no change in
 * the sense of state_revision(). */
MUST_CHECK int state_apikeys_used(struct state *state, const struct state_apikey_use *uses,
                                  size_t n);

#endif
