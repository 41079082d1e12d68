/* IP addresses and prefixes. IPv4 inside IPv6 (::ffff:a.b.c.d) is IPv4 from here on. */
#ifndef CORE_NETADDR_H
#define CORE_NETADDR_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdint.h>

struct netaddr {
	uint8_t family;    /* 4, 6, or 0 when there is none */
	uint8_t bytes[16]; /* network order; IPv4 uses the first four */
};

struct netblock {
	struct netaddr base;
	uint8_t n_bits;
};

enum { NETADDR_TEXT_BYTES = 46 };

/* netaddr_v4, netaddr_v6 - from 4 or 16 bytes in network order; a mapped IPv6 address becomes IPv4.
 */
struct netaddr netaddr_v4(const uint8_t bytes[4]);
struct netaddr netaddr_v6(const uint8_t bytes[16]);
/* netaddr_parse - textual form without zone or brackets. */
MUST_CHECK bool netaddr_parse(struct sv text, struct netaddr *ret);
/* netaddr_format - terminated text; "" when there is no address. */
struct sv netaddr_format(const struct netaddr *addr, char text[NETADDR_TEXT_BYTES]);
/* netblock_parse - "10.0.0.0/8", "2001:db8::/32" or a single address. Bits below the prefix must be
 * zero. */
MUST_CHECK bool netblock_parse(struct sv text, struct netblock *ret);
bool netblock_has(const struct netblock *block, const struct netaddr *addr);
static inline bool netaddr_eq(const struct netaddr *a, const struct netaddr *b)
{
	return a->family == b->family && memcmp(a->bytes, b->bytes, sizeof(a->bytes)) == 0;
}

#endif
