#include "admin/listen.h"

#include "admin/call.h"
#include "core/fileio.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define BACKLOG 128

union address {
	struct sockaddr any;
	struct sockaddr_in in;
	struct sockaddr_in6 in6;
	struct sockaddr_un un;
	struct sockaddr_storage room;
};

static bool parse_tcp(struct sv text, union address *ret, socklen_t *ret_n)
{
	unsigned long long port;
	size_t colon = text.n;
	while (colon > 0 && text.at[colon - 1] != ':')
		colon--;
	if (colon == 0 || !sv_to_u64(sv_from(text, colon), &port) || port > UINT16_MAX)
		return false;
	struct sv host = sv_first(text, colon - 1);
	if (host.n > 1 && host.at[0] == '[' && host.at[host.n - 1] == ']')
		host = (struct sv){host.at + 1, host.n - 2};
	struct netaddr addr;
	if (!netaddr_parse(sv_eq(host, SVL("localhost")) ? SVL("127.0.0.1") : host, &addr))
		return false;
	*ret = (union address){0};
	if (addr.family == 4) {
		ret->in = (struct sockaddr_in){.sin_family = AF_INET,
		                               .sin_port = htons((uint16_t)port)};
		memcpy(&ret->in.sin_addr, addr.bytes, 4);
		*ret_n = sizeof(ret->in);
	} else {
		ret->in6 = (struct sockaddr_in6){.sin6_family = AF_INET6,
		                                 .sin6_port = htons((uint16_t)port)};
		memcpy(&ret->in6.sin6_addr, addr.bytes, 16);
		*ret_n = sizeof(ret->in6);
	}
	return true;
}

static int bind_tcp(struct sv text)
{
	union address addr;
	socklen_t n;
	if (!parse_tcp(text, &addr, &n))
		return -EINVAL;
	CLEANUP(closefd)
	int fd = socket(addr.any.sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) != 0 ||
	    bind(fd, &addr.any, n) != 0 || listen(fd, BACKLOG) != 0)
		return -errno;
	int bound = fd;
	fd = -1;
	return bound;
}

/* A socket that nobody answers is a leftover of a killed agent and goes; one that answers is somebody's. */
static int remove_stale(const union address *addr)
{
	CLEANUP(closefd) int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (probe < 0)
		return -errno;
	if (connect(probe, &addr->any, sizeof(addr->un)) == 0)
		return -EADDRINUSE;
	if (errno != ECONNREFUSED)
		return errno == ENOENT ? 0 : -errno;
	return unlink(addr->un.sun_path) == 0 ? 0 : -errno;
}

static bool unix_path_ok(struct sv path)
{
	return path.n > 0 && path.n < sizeof(((struct sockaddr_un *)0)->sun_path) &&
	       path.at[0] == '/';
}

static int bind_unix(struct admin *admin, struct sv path)
{
	union address addr = {.un = {.sun_family = AF_UNIX}};
	if (!unix_path_ok(path))
		return -EINVAL;
	memcpy(addr.un.sun_path, path.at, path.n);
	int r = remove_stale(&addr);
	if (r != 0)
		return r;
	CLEANUP(closefd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0 || bind(fd, &addr.any, sizeof(addr.un)) != 0)
		return -errno;
	admin->unix_path = sv_dup(path);
	if (!admin->unix_path)
		return -ENOMEM;
	if (chmod(addr.un.sun_path, 0660) != 0 || listen(fd, BACKLOG) != 0)
		return -errno;
	int bound = fd;
	fd = -1;
	return bound;
}

static bool is_loopback(const union address *addr)
{
	if (addr->any.sa_family == AF_INET)
		return ntohl(addr->in.sin_addr.s_addr) >> 24 == 127;
	return addr->any.sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&addr->in6.sin6_addr);
}

static int look_at(struct admin *admin)
{
	union address addr = {0};
	socklen_t n = sizeof(addr);
	if (getsockname(admin->listen_fd, &addr.any, &n) != 0)
		return -errno;
	if (addr.any.sa_family == AF_UNIX) {
		admin->is_unix = true;
	} else if (addr.any.sa_family == AF_INET) {
		admin->port = ntohs(addr.in.sin_port);
	} else if (addr.any.sa_family == AF_INET6) {
		admin->port = ntohs(addr.in6.sin6_port);
	} else {
		return -EAFNOSUPPORT;
	}
	admin->is_loopback = is_loopback(&addr);
	return 0;
}

static int allow_host(struct admin *admin, struct sv host)
{
	char **hosts = realloc(admin->hosts, (admin->n_hosts + 1) * sizeof(*hosts));
	if (!hosts)
		return -ENOMEM;
	admin->hosts = hosts;
	hosts[admin->n_hosts] = sv_dup(host);
	if (!hosts[admin->n_hosts])
		return -ENOMEM;
	admin->n_hosts++;
	return 0;
}

static int allow_local(struct admin *admin)
{
	static const char *const names[] = {"127.0.0.1", "[::1]", "localhost"};
	char host[32];
	int r = 0;
	for (size_t i = 0; r == 0 && i < ARRAY_LEN(names); i++) {
		snprintf(host, sizeof(host), "%s:%u", names[i], admin->port);
		r = allow_host(admin, sv_of(host));
		if (r == 0 && (admin->port == 80 || admin->is_unix))
			r = allow_host(admin, sv_of(names[i]));
	}
	return r;
}

/* "https://haward.example/" -> "haward.example"; empty for what is no such address. */
static struct sv host_of_url(struct sv url, bool *ret_https)
{
	*ret_https = sv_starts(url, SVL("https://"));
	if (!*ret_https && !sv_starts(url, SVL("http://")))
		return (struct sv){0};
	struct sv host = sv_from(url, *ret_https ? 8 : 7);
	return sv_first(host, sv_find(host, '/'));
}

static int read_public_url(struct admin *admin)
{
	struct sv url = sv_of(admin->deps.options->public_url);
	bool is_https;
	struct sv host = host_of_url(url, &is_https);
	if (host.n == 0)
		return url.n == 0 ? 0 : -EINVAL;
	int r = allow_host(admin, host);
	if (r == 0 && is_https) {
		admin->public_host = sv_dup(host);
		r = admin->public_host ? 0 : -ENOMEM;
	}
	return r;
}

static int allow_hosts(struct admin *admin)
{
	const struct json_strings *more = &admin->deps.options->allowed_hosts;
	int r = admin->is_loopback || admin->is_unix ? allow_local(admin) : 0;
	if (r == 0)
		r = read_public_url(admin);
	for (size_t i = 0; r == 0 && i < more->n; i++)
		r = allow_host(admin, sv_of(more->at[i]));
	return r;
}

/* HAProxy writes unix@PATH. returns false for TCP addresses */
static bool is_unix_address(struct sv listen, struct sv *ret_path)
{
	*ret_path = sv_from(listen, 5);
	return sv_starts(listen, SVL("unix@")) || sv_starts(listen, SVL("unix:"));
}

int admin_options_check(const struct admin_options *options, struct diag *d)
{
	struct sv listen = sv_of(options->listen), url = sv_of(options->public_url), path;
	union address addr;
	socklen_t n;
	bool is_https;
	int result = 0;
	bool is_unix = is_unix_address(listen, &path);
	if (is_unix ? !unix_path_ok(path) : !parse_tcp(listen, &addr, &n)) {
		diag_add(d, "/admin/listen", "bad_address",
		         "'%s' is no address: IP:PORT, [IPv6]:PORT or unix@/PATH is expected",
		         options->listen);
		return -EINVAL;
	}
	if (host_of_url(url, &is_https).n == 0 && url.n) {
		diag_add(d, "/admin/public_url", "bad_url",
		         "https://HOST or http://HOST is expected");
		result = -EINVAL;
	}
	if (!is_unix && !is_https && !is_loopback(&addr)) {
		diag_add(d, "/admin/listen", "not_private",
		         "passwords would cross the network in the clear: listen on loopback or a "
		         "UNIX socket, or set public_url to the https address of the proxy in "
		         "front");
		result = -EINVAL;
	}
	return result;
}

int listen_open(struct admin *admin, int listen_fd)
{
	struct sv listen = sv_of(admin->deps.options->listen), path;
	int fd = listen_fd;
	if (fd < 0)
		fd = is_unix_address(listen, &path) ? bind_unix(admin, path) : bind_tcp(listen);
	if (fd < 0)
		return fd;
	admin->listen_fd = fd;
	int r = look_at(admin);
	if (r == 0)
		r = allow_hosts(admin);
	/* Passwords and cookies would cross a network in the clear. */
	if (r == 0 && !admin->is_loopback && !admin->is_unix && !admin->public_host)
		r = -EPERM;
	if (r != 0 && listen_fd >= 0)
		admin->listen_fd = -1; /* still the caller's */
	return r;
}

void listen_fini(struct admin *admin)
{
	closefd(&admin->listen_fd);
	if (admin->unix_path)
		unlink(admin->unix_path);
	free(admin->unix_path);
	for (size_t i = 0; i < admin->n_hosts; i++)
		free(admin->hosts[i]);
	free(admin->hosts);
	free(admin->public_host);
}
