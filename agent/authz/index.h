/* Which rules may match a request: always all that do, hardly any that do not. The caller judges each
 * candidate whole, so the index decides nothing. Immutable after authz_index_seal().
 */
#ifndef AUTHZ_INDEX_H
#define AUTHZ_INDEX_H

#include "authz/rule.h"
#include "core/arena.h"
#include "core/macros.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct authz_index;

/* authz_index_new - an empty index, freed by the caller; NULL when memory is out. */
MUST_CHECK struct authz_index *authz_index_new(void);
void authz_index_free(struct authz_index *index);

/* authz_index_add - enters a rule under its id.
 *
 * in      space: rules of one space are found together and only there, e.g. those of one service
 * errors  0, -ENOMEM, -E2BIG past INDEX_MAX_ENTRIES
 */
MUST_CHECK int authz_index_add(struct authz_index *index, uint64_t space,
                               const struct authz_rule *rule, uint32_t id);

/* authz_index_seal - makes the index ready for look-ups; nothing is added after.
 *
 * errors  0, -ENOMEM, -E2BIG
 */
MUST_CHECK int authz_index_seal(struct authz_index *index);

struct authz_entry {
	uint32_t rule;
	uint16_t methods; /* mask */
};

/* authz_index_all - all rules of a space, ids rising: for views without path or host, where a DENY
 * rule holds whose condition cannot be judged. */
const struct authz_entry *authz_index_all(const struct authz_index *index, uint64_t space,
                                          size_t *ret_n);

/* Rule ids, unordered, doubled ones possible. */
struct authz_candidates {
	uint32_t *at; /* scratch memory of the view, grown as needed */
	size_t n;
	size_t room;
	bool failed;     /* scratch was full: the request must be denied */
	bool any_method; /* asked: whatever the method, as for an explanation */
};

/* authz_index_find - adds to *into every rule of the space that may match the view, which has a path
 * and a host. */
void authz_index_find(const struct authz_index *index, uint64_t space,
                      const struct authz_view *view, struct authz_candidates *into);

/* authz_index_host_space - a space for what belongs to one host name, in any case. */
uint64_t authz_index_host_space(struct sv host);

#endif
