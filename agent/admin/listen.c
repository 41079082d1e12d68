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

static int bind_unix(struct admin *admin, struct sv path)
{
	union address addr = {.un = {.sun_family = AF_UNIX}};
	if (path.n == 0 || path.n >= sizeof(addr.un.sun_path) || path.at[0] != '/')
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

static bool v4_loopback(const struct in_addr *addr)
{
	return ntohl(addr->s_addr) >> 24 == 127;
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
		admin->is_loopback = v4_loopback(&addr.in.sin_addr);
	} else if (addr.any.sa_family == AF_INET6) {
		admin->port = ntohs(addr.in6.sin6_port);
		admin->is_loopback = IN6_IS_ADDR_LOOPBACK(&addr.in6.sin6_addr);
	} else {
		return -EAFNOSUPPORT;
	}
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

/* "https://haward.example/" -> "haward.example"; anything else is not taken. */
static int read_public_url(struct admin *admin)
{
	struct sv url = sv_of(admin->deps.options->public_url);
	bool is_https = sv_starts(url, SVL("https://"));
	if (url.n == 0)
		return 0;
	if (!is_https && !sv_starts(url, SVL("http://")))
		return -EINVAL;
	struct sv host = sv_from(url, is_https ? 8 : 7);
	host = sv_first(host, sv_find(host, '/'));
	if (host.n == 0)
		return -EINVAL;
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

int listen_open(struct admin *admin, int listen_fd)
{
	struct sv listen = sv_of(admin->deps.options->listen);
	int fd = listen_fd;
	if (fd < 0)
		fd = sv_starts(listen, SVL("unix:")) ? bind_unix(admin, sv_from(listen, 5))
		                                     : bind_tcp(listen);
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
