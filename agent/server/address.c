#include "server/address.h"

#include "core/fileio.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { BACKLOG = 1024 }; /* HAProxy opens a connection for each request of a burst at first */

static bool parse_unix(struct sv path, struct address *ret)
{
	struct sockaddr_un *at = (struct sockaddr_un *)&ret->at;
	if (path.n == 0 || path.n >= sizeof(at->sun_path))
		return false;
	at->sun_family = AF_UNIX;
	memcpy(at->sun_path, path.at, path.n);
	ret->n = sizeof(*at);
	ret->path = path.at;
	return true;
}

/* HAProxy pads the name of an abstract socket with NUL to the full length: so must we. */
static bool parse_abstract(struct sv name, struct address *ret)
{
	struct sockaddr_un *at = (struct sockaddr_un *)&ret->at;
	if (name.n == 0 || name.n >= sizeof(at->sun_path) - 1)
		return false;
	at->sun_family = AF_UNIX;
	memcpy(at->sun_path + 1, name.at, name.n);
	ret->n = sizeof(*at);
	return true;
}

static bool parse_inet(struct sv text, struct address *ret)
{
	char host[INET6_ADDRSTRLEN];
	unsigned long long port;
	size_t colon = text.n;
	while (colon > 0 && text.at[colon - 1] != ':')
		colon--;
	if (colon == 0 || !sv_to_u64(sv_from(text, colon), &port) || port > UINT16_MAX)
		return false;
	struct sv name = sv_first(text, colon - 1);
	bool is_v6 = name.n > 2 && name.at[0] == '[' && name.at[name.n - 1] == ']';
	if (is_v6)
		name = (struct sv){name.at + 1, name.n - 2};
	if (name.n >= sizeof(host))
		return false;
	(void)snprintf(host, sizeof(host), "%.*s", SV_ARG(name));
	struct sockaddr_in *v4 = (struct sockaddr_in *)&ret->at;
	struct sockaddr_in6 *v6 = (struct sockaddr_in6 *)&ret->at;
	if (is_v6) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons((uint16_t)port);
		ret->n = sizeof(*v6);
		return inet_pton(AF_INET6, host, &v6->sin6_addr) == 1;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons((uint16_t)port);
	ret->n = sizeof(*v4);
	return inet_pton(AF_INET, host, &v4->sin_addr) == 1;
}

bool address_parse(const char *text, struct address *ret)
{
	static const struct {
		struct sv prefix;
		bool (*parse)(struct sv rest, struct address *ret);
	} kinds[] = {
		{SV("unix@"), parse_unix},
		{SV("unix:"), parse_unix},
		{SV("abns@"), parse_abstract},
		{SV(""), parse_inet},
	};
	struct sv all = sv_of(text);
	*ret = (struct address){0};
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		if (sv_starts(all, kinds[i].prefix))
			return kinds[i].parse(sv_from(all, kinds[i].prefix.n), ret);
	return false;
}

/* Removes a socket file that nobody answers on; leaves everything else alone. */
static int clear_file(const struct address *address)
{
	struct stat file;
	CLEANUP(closefd) int fd = -1;
	if (lstat(address->path, &file) != 0)
		return errno == ENOENT ? 0 : -errno;
	if (!S_ISSOCK(file.st_mode))
		return -EEXIST;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (connect(fd, (const struct sockaddr *)&address->at, address->n) == 0 || errno == EAGAIN)
		return -EADDRINUSE; /* EAGAIN: there is somebody, too busy to accept */
	if (errno != ECONNREFUSED)
		return -errno;
	return unlink(address->path) == 0 ? 0 : -errno;
}

int address_listen(const struct address *address, unsigned mode)
{
	CLEANUP(closefd)
	int fd = socket(address->at.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int on = 1;
	if (fd < 0)
		return -errno;
	int r = address->path ? clear_file(address) : 0;
	if (r)
		return r;
	if (address->at.ss_family != AF_UNIX)
		(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	/* made closed to others, then opened as far as mode says: no moment in between */
	mode_t before = umask(0177);
	r = bind(fd, (const struct sockaddr *)&address->at, address->n) == 0 ? 0 : -errno;
	(void)umask(before);
	if (r == 0 && address->path && chmod(address->path, (mode_t)mode) != 0)
		r = -errno;
	if (r == 0 && listen(fd, BACKLOG) != 0)
		r = -errno;
	if (r)
		return r;
	int listening = fd;
	fd = -1;
	return listening;
}

void address_of_peer(int fd, char text[ADDRESS_TEXT_BYTES])
{
	struct sockaddr_storage at = {0};
	socklen_t n = sizeof(at);
	char host[INET6_ADDRSTRLEN] = "?";
	(void)getpeername(fd, (struct sockaddr *)&at, &n);
	const struct sockaddr_in *v4 = (const struct sockaddr_in *)&at;
	const struct sockaddr_in6 *v6 = (const struct sockaddr_in6 *)&at;
	bool is_v4 = at.ss_family == AF_INET;
	if (!is_v4 && at.ss_family != AF_INET6) {
		(void)snprintf(text, ADDRESS_TEXT_BYTES, "unix");
		return;
	}
	(void)inet_ntop(at.ss_family, is_v4 ? (const void *)&v4->sin_addr : &v6->sin6_addr, host,
	                sizeof(host));
	(void)snprintf(text, ADDRESS_TEXT_BYTES, is_v4 ? "%s:%u" : "[%s]:%u", host,
	               (unsigned)ntohs(is_v4 ? v4->sin_port : v6->sin6_port));
}

unsigned address_port(int fd)
{
	struct sockaddr_storage at = {0};
	socklen_t n = sizeof(at);
	if (getsockname(fd, (struct sockaddr *)&at, &n) != 0)
		return 0;
	if (at.ss_family == AF_INET)
		return ntohs(((const struct sockaddr_in *)&at)->sin_port);
	return at.ss_family == AF_INET6 ? ntohs(((const struct sockaddr_in6 *)&at)->sin6_port) : 0;
}
