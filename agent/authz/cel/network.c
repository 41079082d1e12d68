/* Addresses and prefixes, as Kubernetes' library has them. source: cel-spec doc/extensions/network.md */
#include "authz/cel/function.h"
#include "core/netaddr.h"

#define FUNCTION(name) \
	static struct cel_value name(struct cel_call *call, const struct cel_value *a, unsigned n)

/* ---- reading ---- */

/* An IPv4 address in an IPv6 one has two forms; it is refused in the dotted one, and so is a zone. */
static const char *read_ip(struct sv text, struct netaddr *ret)
{
	bool is_v6 = sv_find(text, ':') < text.n;
	if (sv_find(text, '%') < text.n)
		return "IP Address with zone value is not allowed";
	if (is_v6 && sv_find(text, '.') < text.n)
		return "IPv4-mapped IPv6 address is not allowed";
	return netaddr_parse(text, ret) ? NULL : "this is no IP address";
}

/* Bits behind the prefix may be set. */
static const char *read_cidr(struct sv text, struct netblock *ret)
{
	size_t slash = sv_find(text, '/');
	struct sv bits = sv_from(text, slash + 1);
	unsigned n_bits = 0;
	const char *why = read_ip(sv_first(text, slash), &ret->base);
	if (why)
		return why;
	if (slash == text.n || bits.n == 0 || bits.n > 3 || (bits.n > 1 && bits.at[0] == '0'))
		return "this is no prefix such as 10.0.0.0/8";
	for (size_t i = 0; i < bits.n; i++) {
		if (bits.at[i] < '0' || bits.at[i] > '9')
			return "this is no prefix such as 10.0.0.0/8";
		n_bits = n_bits * 10 + (unsigned)(bits.at[i] - '0');
	}
	if (n_bits > (ret->base.family == 4 ? 32U : 128U))
		return "the prefix has more bits than the address";
	ret->n_bits = (uint8_t)n_bits;
	return NULL;
}

static struct cel_value keep_ip(struct cel_call *call, const struct netaddr *ip)
{
	struct netaddr *kept = arena_alloc(call->arena, sizeof(*kept));
	if (!kept)
		return cel_out_of_memory(call);
	*kept = *ip;
	return cel_ip(kept);
}

static struct cel_value keep_cidr(struct cel_call *call, const struct netblock *cidr)
{
	struct netblock *kept = arena_alloc(call->arena, sizeof(*kept));
	if (!kept)
		return cel_out_of_memory(call);
	*kept = *cidr;
	return cel_cidr(kept);
}

FUNCTION(ip_of_text)
{
	struct netaddr ip;
	(void)n;
	const char *why = read_ip(cel_text(a[0]), &ip);
	return why ? cel_error(why) : keep_ip(call, &ip);
}

FUNCTION(cidr_of_text)
{
	struct netblock cidr = {0};
	(void)n;
	const char *why = read_cidr(cel_text(a[0]), &cidr);
	return why ? cel_error(why) : keep_cidr(call, &cidr);
}

FUNCTION(is_ip)
{
	struct netaddr ip;
	(void)call, (void)n;
	return cel_bool(!read_ip(cel_text(a[0]), &ip));
}

FUNCTION(is_cidr)
{
	struct netblock cidr = {0};
	(void)call, (void)n;
	return cel_bool(!read_cidr(cel_text(a[0]), &cidr));
}

FUNCTION(is_canonical)
{
	struct netaddr ip;
	char text[NETADDR_TEXT_BYTES];
	(void)call, (void)n;
	const char *why = read_ip(cel_text(a[0]), &ip);
	return why ? cel_error(why) : cel_bool(sv_eq(netaddr_format(&ip, text), cel_text(a[0])));
}

/* ---- what an address is for. source: RFC 4291, RFC 5771, and Go's net/netip ---- */

static bool is_unspecified(const struct netaddr *ip)
{
	uint8_t all = 0;
	for (size_t i = 0; i < sizeof(ip->bytes); i++)
		all |= ip->bytes[i];
	return all == 0;
}

static bool is_loopback(const struct netaddr *ip)
{
	if (ip->family == 4)
		return ip->bytes[0] == 127;
	uint8_t all = 0;
	for (size_t i = 0; i < 15; i++)
		all |= ip->bytes[i];
	return all == 0 && ip->bytes[15] == 1;
}

static bool is_link_local_unicast(const struct netaddr *ip)
{
	if (ip->family == 4)
		return ip->bytes[0] == 169 && ip->bytes[1] == 254;
	return ip->bytes[0] == 0xfe && (ip->bytes[1] & 0xc0) == 0x80;
}

static bool is_link_local_multicast(const struct netaddr *ip)
{
	if (ip->family == 4)
		return ip->bytes[0] == 224 && ip->bytes[1] == 0 && ip->bytes[2] == 0;
	return ip->bytes[0] == 0xff && (ip->bytes[1] & 0x0f) == 2;
}

static bool is_multicast(const struct netaddr *ip)
{
	return ip->family == 4 ? (ip->bytes[0] & 0xf0) == 224 : ip->bytes[0] == 0xff;
}

static bool is_global_unicast(const struct netaddr *ip)
{
	static const uint8_t broadcast[4] = {255, 255, 255, 255};
	bool is_broadcast = ip->family == 4 && memcmp(ip->bytes, broadcast, 4) == 0;
	return !is_broadcast && !is_unspecified(ip) && !is_loopback(ip) && !is_multicast(ip) &&
	       !is_link_local_unicast(ip);
}

#define OF_IP(name, made)                           \
	FUNCTION(name)                              \
	{                                           \
		const struct netaddr *ip = a[0].ip; \
		(void)call, (void)n;                \
		return made;                        \
	}

OF_IP(family, cel_int(ip->family))
OF_IP(unspecified, cel_bool(is_unspecified(ip)))
OF_IP(loopback, cel_bool(is_loopback(ip)))
OF_IP(global_unicast, cel_bool(is_global_unicast(ip)))
OF_IP(link_local_unicast, cel_bool(is_link_local_unicast(ip)))
OF_IP(link_local_multicast, cel_bool(is_link_local_multicast(ip)))

/* ---- prefixes ---- */

static struct netblock masked(const struct netblock *cidr)
{
	struct netblock ret = *cidr;
	for (unsigned i = 0; i < sizeof(ret.base.bytes); i++) {
		unsigned kept = cidr->n_bits > 8 * i ? MIN_OF(cidr->n_bits - 8 * i, 8U) : 0;
		ret.base.bytes[i] &= (uint8_t)(0xff00U >> kept);
	}
	return ret;
}

static bool has_ip(const struct netblock *cidr, const struct netaddr *ip)
{
	const struct netblock block = masked(cidr);
	return ip->family == block.base.family && netblock_has(&block, ip);
}

static bool has_cidr(const struct netblock *cidr, const struct netblock *other)
{
	return other->n_bits >= cidr->n_bits && has_ip(cidr, &other->base);
}

FUNCTION(contains_ip)
{
	(void)call, (void)n;
	return cel_bool(has_ip(a[0].cidr, a[1].ip));
}

FUNCTION(contains_ip_text)
{
	struct netaddr ip;
	(void)call, (void)n;
	const char *why = read_ip(cel_text(a[1]), &ip);
	return why ? cel_error(why) : cel_bool(has_ip(a[0].cidr, &ip));
}

FUNCTION(contains_cidr)
{
	(void)call, (void)n;
	return cel_bool(has_cidr(a[0].cidr, a[1].cidr));
}

FUNCTION(contains_cidr_text)
{
	struct netblock cidr = {0};
	(void)call, (void)n;
	const char *why = read_cidr(cel_text(a[1]), &cidr);
	return why ? cel_error(why) : cel_bool(has_cidr(a[0].cidr, &cidr));
}

FUNCTION(cidr_ip)
{
	(void)n;
	return keep_ip(call, &a[0].cidr->base);
}

FUNCTION(cidr_masked)
{
	(void)n;
	const struct netblock block = masked(a[0].cidr);
	return keep_cidr(call, &block);
}

FUNCTION(prefix_length)
{
	(void)call, (void)n;
	return cel_int(a[0].cidr->n_bits);
}

#define GLOBAL(name, args, result, call, does)                      \
	{                                                           \
		name, CEL_GLOBAL, args, result, call, does, 0, NULL \
	}
#define RECEIVER(name, args, result, call, does)                      \
	{                                                             \
		name, CEL_RECEIVER, args, result, call, does, 0, NULL \
	}

static const struct cel_function rows[] = {
	GLOBAL("ip", "string", "net.IP", ip_of_text, "the address of its text"),
	GLOBAL("cidr", "string", "net.CIDR", cidr_of_text, "the prefix of its text"),
	GLOBAL("isIP", "string", "bool", is_ip, "is this text an address"),
	GLOBAL("isCIDR", "string", "bool", is_cidr, "is this text a prefix"),
	GLOBAL("ip.isCanonical", "string", "bool", is_canonical,
               "is this the usual form of the address"),
	RECEIVER("family", "net.IP", "int", family, "4 or 6"),
	RECEIVER("isUnspecified", "net.IP", "bool", unspecified, "is it 0.0.0.0 or ::"),
	RECEIVER("isLoopback", "net.IP", "bool", loopback, "is it of 127.0.0.0/8, or ::1"),
	RECEIVER("isGlobalUnicast", "net.IP", "bool", global_unicast,
                 "may it be that of one host, near or far"),
	RECEIVER("isLinkLocalUnicast", "net.IP", "bool", link_local_unicast,
                 "is it of 169.254.0.0/16 or fe80::/10"),
	RECEIVER("isLinkLocalMulticast", "net.IP", "bool", link_local_multicast,
                 "is it of 224.0.0.0/24 or ff02::/16"),
	RECEIVER("containsIP", "net.CIDR, net.IP", "bool", contains_ip, "is the address in it"),
	RECEIVER("containsIP", "net.CIDR, string", "bool", contains_ip_text,
                 "is the address in it"),
	RECEIVER("containsCIDR", "net.CIDR, net.CIDR", "bool", contains_cidr,
                 "is the whole prefix in it"),
	RECEIVER("containsCIDR", "net.CIDR, string", "bool", contains_cidr_text,
                 "is the whole prefix in it"),
	RECEIVER("ip", "net.CIDR", "net.IP", cidr_ip, "the address as it was written"),
	RECEIVER("masked", "net.CIDR", "net.CIDR", cidr_masked,
                 "with the bits behind the prefix zero"),
	RECEIVER("prefixLength", "net.CIDR", "int", prefix_length, "how many bits"),
};

const struct cel_functions cel_functions_network = {"Network", rows, ARRAY_LEN(rows)};
