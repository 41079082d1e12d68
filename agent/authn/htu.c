#include "authn/htu.h"

static unsigned usual_port(bool is_https)
{
	return is_https ? 443 : 80;
}

/* source: RFC 3986 3.2.3: an empty port is none */
static bool read_port(struct sv text, bool is_https, unsigned *ret)
{
	unsigned long long port = 0;
	if (text.n > 0 && (!sv_to_u64(text, &port) || port < 1 || port > 65535))
		return false;
	*ret = text.n > 0 ? (unsigned)port : usual_port(is_https);
	return true;
}

static bool is_host(struct sv text)
{
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (c <= 0x20 || c >= 0x7f || strchr("/?#@\\\"<>^`{|}", c))
			return false;
	}
	return text.n > 0;
}

/* host, host:port, [v6], [v6]:port */
static bool read_authority(struct sv text, bool is_https, struct htu *ret)
{
	bool is_literal = text.n > 0 && text.at[0] == '[';
	size_t n = is_literal ? sv_find(text, ']') : sv_find(text, ':');
	if (is_literal && n == text.n)
		return false;
	n += is_literal;
	struct sv rest = sv_from(text, n);
	if (rest.n > 0 && rest.at[0] != ':')
		return false;
	ret->is_https = is_https;
	ret->host = sv_first(text, n);
	return is_host(ret->host) && read_port(sv_from(rest, 1), is_https, &ret->port);
}

static struct sv path_alone(struct sv text)
{
	text = sv_first(text, sv_find(text, '#'));
	return sv_first(text, sv_find(text, '?'));
}

bool htu_read(struct sv text, struct htu *ret)
{
	static const struct sv https = SV("https://"), http = SV("http://");
	bool is_https = sv_starts_ci(text, https);
	if (!is_https && !sv_starts_ci(text, http))
		return false;
	struct sv rest = path_alone(sv_from(text, is_https ? https.n : http.n));
	size_t n = sv_find(rest, '/');
	ret->path = sv_from(rest, n);
	return read_authority(sv_first(rest, n), is_https, ret);
}

bool htu_of(bool is_https, struct sv host, struct sv path, struct htu *ret)
{
	ret->path = path_alone(path);
	return read_authority(host, is_https, ret);
}

static int hex_digit(char c)
{
	c = sv_lower_char(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static bool is_unreserved(unsigned char c)
{
	char l = sv_lower_char((char)c);
	return (l >= 'a' && l <= 'z') || (c >= '0' && c <= '9') || (c != 0 && strchr("-._~", c));
}

enum { UNIT_END = -1, UNIT_BAD = -2, UNIT_ESCAPED = 256 };

/* The next character of a path, off its front: an escape that was needed counts as another one than its byte. */
static int next_unit(struct sv *rest)
{
	if (rest->n == 0)
		return UNIT_END;
	unsigned char c = (unsigned char)rest->at[0];
	if (c != '%') {
		*rest = sv_from(*rest, 1);
		return c;
	}
	int high = rest->n > 2 ? hex_digit(rest->at[1]) : -1;
	int low = rest->n > 2 ? hex_digit(rest->at[2]) : -1;
	if (high < 0 || low < 0)
		return UNIT_BAD;
	c = (unsigned char)(high << 4 | low);
	*rest = sv_from(*rest, 3);
	return is_unreserved(c) ? c : UNIT_ESCAPED + c;
}

static bool same_path(struct sv a, struct sv b)
{
	static const struct sv root = SV("/");
	int x, y;
	a = a.n > 0 ? a : root;
	b = b.n > 0 ? b : root;
	do {
		x = next_unit(&a);
		y = next_unit(&b);
		if (x != y || x == UNIT_BAD)
			return false;
	} while (x != UNIT_END);
	return true;
}

bool htu_same(const struct htu *a, const struct htu *b)
{
	return a->is_https == b->is_https && a->port == b->port && sv_eq_ci(a->host, b->host) &&
	       same_path(a->path, b->path);
}
