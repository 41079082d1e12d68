#include "core/netaddr.h"

#include <arpa/inet.h>
#include <sys/socket.h>

struct netaddr netaddr_v4(const uint8_t bytes[4])
{
	struct netaddr addr = {.family = 4};
	memcpy(addr.bytes, bytes, 4);
	return addr;
}

struct netaddr netaddr_v6(const uint8_t bytes[16])
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	if (memcmp(bytes, mapped, sizeof(mapped)) == 0)
		return netaddr_v4(bytes + sizeof(mapped));
	struct netaddr addr = {.family = 6};
	memcpy(addr.bytes, bytes, 16);
	return addr;
}

bool netaddr_parse(struct sv text, struct netaddr *ret)
{
	char room[NETADDR_TEXT_BYTES];
	uint8_t bytes[16];
	if (text.n == 0 || text.n >= sizeof(room) || sv_find(text, '\0') < text.n)
		return false;
	memcpy(room, text.at, text.n);
	room[text.n] = '\0';
	if (inet_pton(AF_INET, room, bytes) == 1)
		*ret = netaddr_v4(bytes);
	else if (inet_pton(AF_INET6, room, bytes) == 1)
		*ret = netaddr_v6(bytes);
	else
		return false;
	return true;
}

struct sv netaddr_format(const struct netaddr *addr, char text[NETADDR_TEXT_BYTES])
{
	text[0] = '\0';
	if (addr->family == 4)
		(void)inet_ntop(AF_INET, addr->bytes, text, NETADDR_TEXT_BYTES);
	else if (addr->family == 6)
		(void)inet_ntop(AF_INET6, addr->bytes, text, NETADDR_TEXT_BYTES);
	return sv_of(text);
}

static bool same_bits(const uint8_t *a, const uint8_t *b, unsigned n_bits)
{
	unsigned whole = n_bits / 8, rest = n_bits % 8;
	if (memcmp(a, b, whole) != 0)
		return false;
	return rest == 0 || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool rest_is_zero(const struct netaddr *addr, unsigned n_bits)
{
	unsigned width = addr->family == 4 ? 32 : 128;
	for (unsigned i = n_bits; i < width; i++)
		if (addr->bytes[i / 8] >> (7 - i % 8) & 1)
			return false;
	return true;
}

bool netblock_parse(struct sv text, struct netblock *ret)
{
	struct netblock block;
	unsigned long long n_bits;
	size_t slash = sv_find(text, '/');
	if (!netaddr_parse(sv_first(text, slash), &block.base))
		return false;
	unsigned width = block.base.family == 4 ? 32 : 128;
	n_bits = width;
	if (slash < text.n && (!sv_to_u64(sv_from(text, slash + 1), &n_bits) || text.n - slash > 4))
		return false;
	if (n_bits > width || !rest_is_zero(&block.base, (unsigned)n_bits))
		return false;
	block.n_bits = (uint8_t)n_bits;
	*ret = block;
	return true;
}

bool netblock_has(const struct netblock *block, const struct netaddr *addr)
{
	return addr->family != 0 && addr->family == block->base.family &&
	       same_bits(addr->bytes, block->base.bytes, block->n_bits);
}
