#include "admin/caller.h"

#include "admin/call.h"
#include "admin/reply.h"
#include "core/encode.h"
#include "core/hash.h"
#include "core/secret.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

/* The prefix makes the browser hold the cookie to HTTPS, this host and the root path. Plain HTTP
 * cannot have it, so loopback has another name, and neither is taken for the other. */
#define COOKIE_SECURE "__Host-sid"
#define COOKIE_PLAIN  "haward-sid"

static struct netaddr address_of(const struct sockaddr *addr)
{
	/* memcpy: the pointer's alignment is the library's matter */
	if (addr->sa_family == AF_INET) {
		struct sockaddr_in in;
		memcpy(&in, addr, sizeof(in));
		return netaddr_v4((const uint8_t *)&in.sin_addr);
	}
	if (addr->sa_family == AF_INET6) {
		struct sockaddr_in6 in6;
		memcpy(&in6, addr, sizeof(in6));
		return netaddr_v6(in6.sin6_addr.s6_addr);
	}
	return (struct netaddr){0};
}

/* Only what the nearest proxy wrote, the last element, and only over the UNIX socket: there the file's
 * mode says who the proxy may be. */
static struct netaddr forwarded_for(struct sv header)
{
	struct netaddr addr = {0};
	struct sv last = header;
	while (sv_find(last, ',') != last.n)
		last = sv_from(last, sv_find(last, ',') + 1);
	if (!netaddr_parse(sv_trim(last), &addr))
		return (struct netaddr){0};
	return addr;
}

void caller_address(struct call *call)
{
	if (call->admin->is_unix) {
		call->caller.src = forwarded_for(call->header[HEADER_FORWARDED_FOR]);
		return;
	}
	const union MHD_ConnectionInfo *info =
		MHD_get_connection_info(call->conn, MHD_CONNECTION_INFO_CLIENT_ADDRESS);
	if (info && info->client_addr)
		call->caller.src = address_of(info->client_addr);
}

bool caller_host_ok(const struct call *call)
{
	for (size_t i = 0; i < call->admin->n_hosts; i++)
		if (sv_eq_ci(call->header[HEADER_HOST], sv_of(call->admin->hosts[i])))
			return true;
	return false;
}

static struct sv host_without_port(struct sv host)
{
	if (host.n > 0 && host.at[0] == '[')
		return sv_first(host, sv_find(host, ']') + 1);
	return sv_first(host, sv_find(host, ':'));
}

static bool is_local_name(struct sv host)
{
	struct sv name = host_without_port(host);
	return sv_eq(name, SVL("127.0.0.1")) || sv_eq(name, SVL("[::1]")) ||
	       sv_eq_ci(name, SVL("localhost"));
}

/* Plain HTTP without TLS is for a browser on this very machine that asks for it by its own name. */
static bool is_plain(const struct call *call)
{
	struct sv host = call->header[HEADER_HOST];
	if (call->admin->public_host && sv_eq_ci(host, sv_of(call->admin->public_host)))
		return false;
	return call->admin->is_loopback && is_local_name(host);
}

static bool session_id(const struct call *call, uint8_t ret[static SESSION_ID_BYTES])
{
	struct sv text;
	uint8_t room[BASE64_DECODED_MAX(64)];
	size_t n;
	struct sv name = is_plain(call) ? SVL(COOKIE_PLAIN) : SVL(COOKIE_SECURE);

	if (target_cookie(call->header[HEADER_COOKIE], name, &text) != COOKIE_FOUND || text.n > 64)
		return false;
	bool ok = base64url_decode(text, room, &n) && n == SESSION_ID_BYTES;
	if (ok)
		memcpy(ret, room, SESSION_ID_BYTES);
	secret_wipe(room, sizeof(room));
	return ok;
}

int caller_identify(struct call *call)
{
	struct caller *caller = &call->caller;
	if (!session_id(call, caller->session))
		return 0;
	int r = state_session_find(call->admin->deps.state, caller->session, call->now_us,
	                           &caller->times);
	if (r != 0) {
		secret_wipe(caller->session, sizeof(caller->session));
		return r == -ENOENT ? 0 : r;
	}
	memcpy(caller->name, caller->times.name, sizeof(caller->name));
	caller->roles = caller->times.roles;
	return 0;
}

static bool origin_is_host(struct sv origin, struct sv host)
{
	static const struct sv schemes[] = {SV("https://"), SV("http://")};
	for (size_t i = 0; i < ARRAY_LEN(schemes); i++)
		if (sv_starts_ci(origin, schemes[i]))
			return sv_eq_ci(sv_from(origin, schemes[i].n), host);
	return false;
}

bool caller_same_origin(const struct call *call)
{
	struct sv site = call->header[HEADER_FETCH_SITE];
	struct sv origin = call->header[HEADER_ORIGIN];
	if (site.n > 0 && !sv_eq(site, SVL("same-origin")))
		return false;
	return origin.n == 0 || origin_is_host(origin, call->header[HEADER_HOST]);
}

int caller_csrf(const uint8_t *session, char ret[static CSRF_BYTES])
{
	char input[5 + SESSION_ID_BYTES] = "csrf:";
	uint8_t digest[SHA256_BYTES];
	memcpy(input + 5, session, SESSION_ID_BYTES);
	bool ok = sha256_of((struct sv){input, sizeof(input)}, digest);
	secret_wipe(input, sizeof(input));
	if (!ok)
		return -EIO;
	base64url_encode((struct sv){(const char *)digest, sizeof(digest)}, ret);
	return 0;
}

bool caller_csrf_ok(const struct call *call)
{
	char csrf[CSRF_BYTES];
	if (!caller_same_origin(call) || caller_csrf(call->caller.session, csrf) != 0)
		return false;
	bool ok = secret_equal(call->header[HEADER_CSRF], sv_of(csrf));
	secret_wipe(csrf, sizeof(csrf));
	return ok;
}

void caller_set_cookie(struct call *call, const uint8_t *session)
{
	char text[BASE64_ENCODED_MAX(SESSION_ID_BYTES)];
	base64url_encode((struct sv){(const char *)session, SESSION_ID_BYTES}, text);
	bool plain = is_plain(call);
	reply_header(call, MHD_HTTP_HEADER_SET_COOKIE, "%s=%s; Path=/; HttpOnly; SameSite=Strict%s",
	             plain ? COOKIE_PLAIN : COOKIE_SECURE, text, plain ? "" : "; Secure");
	secret_wipe(text, sizeof(text));
}

void caller_clear_cookie(struct call *call)
{
	bool plain = is_plain(call);
	reply_header(call, MHD_HTTP_HEADER_SET_COOKIE,
	             "%s=; Path=/; HttpOnly; SameSite=Strict; Max-Age=0%s",
	             plain ? COOKIE_PLAIN : COOKIE_SECURE, plain ? "" : "; Secure");
}
