/* What is revoked, for the check of every request: an immutable table, shared by all workers through a slot.
 *
 * It keeps keyed hashes of 128 bits, not texts: 32 bytes an entry at half load, so 100,000 are 8 MiB. Two names
 * with one hash are less likely than a failing memory; and then one is refused, not let in.
 */
#ifndef AUTHN_REVOCATIONS_H
#define AUTHN_REVOCATIONS_H

#include "core/slot.h"
#include "model/identity.h"
#include "model/revocation.h"

struct revocations;

/* revocations_new - an empty table, to be filled by its maker and then published.
 *
 * in      n_max: how many will be added
 * out     *ret: one reference, given back with revocations_unref()
 * errors  0, -ENOMEM, -EIO no random bytes
 */
MUST_CHECK int revocations_new(size_t n_max, struct revocations **ret);

/* revocations_add - of two for the same, the later moment and the later end hold. errors: 0, -ENOSPC past n_max
 * thread  who made it, before it is published */
MUST_CHECK int revocations_add(struct revocations *table, const struct revocation *revocation);

/* revocations_shared, revocations_of - as what a slot carries, and back; NULL stays NULL. */
struct shared *revocations_shared(struct revocations *table);
const struct revocations *revocations_of(const struct shared *shared);
void revocations_unref(struct revocations *table);

/* revocations_hold - whether this identity must not be believed any more.
 *
 * in      table: NULL revokes nothing; now_s: Unix seconds
 */
bool revocations_hold(const struct revocations *table, const struct identity *who, int64_t now_s);

/* revocations_bytes - memory the table takes. */
size_t revocations_bytes(const struct revocations *table);

#endif
