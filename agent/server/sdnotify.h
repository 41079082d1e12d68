/* What systemd is told: READY, RELOADING, STOPPING, WATCHDOG. source: sd_notify(3). No-ops elsewhere. */
#ifndef SERVER_SDNOTIFY_H
#define SERVER_SDNOTIFY_H

#include "core/sv.h"

/* sdnotify - sends state, e.g. "READY=1", to $NOTIFY_SOCKET. */
void sdnotify(const char *state);
/* sdnotify_watchdog_seconds - how often WATCHDOG=1 is to be sent: half of $WATCHDOG_USEC; 0: never. */
double sdnotify_watchdog_seconds(void);
/* sdnotify_listen_fds - how many sockets systemd passed, from descriptor 3 on ($LISTEN_FDS, $LISTEN_PID). */
unsigned sdnotify_listen_fds(void);

#endif
