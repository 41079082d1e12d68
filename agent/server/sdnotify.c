#include "server/sdnotify.h"

#include "core/clock.h"
#include "core/fileio.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

void sdnotify(const char *state)
{
	const char *path = getenv("NOTIFY_SOCKET");
	struct sockaddr_un at = {.sun_family = AF_UNIX};
	char text[128];
	if (!path || !*path || strlen(path) >= sizeof(at.sun_path))
		return;
	memcpy(at.sun_path, path, strlen(path));
	if (at.sun_path[0] == '@')
		at.sun_path[0] = '\0';
	CLEANUP(closefd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return;
	/* Type=notify-reload wants the time of a reload; others ignore it */
	int n = snprintf(text, sizeof(text), "%s\nMONOTONIC_USEC=%llu", state,
	                 (unsigned long long)(clock_mono_ns() / 1000));
	socklen_t n_at = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path));
	(void)sendto(fd, text, (size_t)n, MSG_NOSIGNAL, (const struct sockaddr *)&at, n_at);
}

static unsigned long long number_of(const char *name)
{
	unsigned long long value;
	const char *text = getenv(name);
	return text && sv_to_u64(sv_of(text), &value) ? value : 0;
}

double sdnotify_watchdog_seconds(void)
{
	unsigned long long pid = number_of("WATCHDOG_PID");
	if (pid && pid != (unsigned long long)getpid())
		return 0.;
	return (double)number_of("WATCHDOG_USEC") / 2e6;
}

unsigned sdnotify_listen_fds(void)
{
	if (number_of("LISTEN_PID") != (unsigned long long)getpid())
		return 0;
	return (unsigned)number_of("LISTEN_FDS");
}
