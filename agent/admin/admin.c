#include "admin/admin.h"

#include "admin/call.h"
#include "admin/http.h"
#include "admin/listen.h"
#include "admin/replays.h"
#include "core/clock.h"
#include "core/log.h"
#include "core/secret.h"
#include "core/throttle.h"
#include "state/setup.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_THREADS   2 /* 19 MiB and 40 ms each */
#define HASH_PLACES    16
#define WORK_THREADS   2
#define WORK_PLACES    64
#define EXPORT_THREADS 2
/* Each of the 8 exports has at most one block in work, but its place comes free a moment after the
 * connection was resumed, which may already ask for the next. */
#define EXPORT_PLACES 16

static void free_admin(struct admin **at)
{
	struct admin *admin = *at;
	if (!admin)
		return;
	lane_stop(admin->hash_lane);
	lane_stop(admin->work_lane);
	lane_stop(admin->export_lane);
	replays_stop(admin->replays);
	throttle_free(admin->throttle);
	listen_fini(admin);
	pthread_mutex_destroy(&admin->journal_lock);
	pthread_mutex_destroy(&admin->publish_lock);
	free(admin);
}

static int start_parts(struct admin *admin, int listen_fd)
{
	int r = listen_open(admin, listen_fd);
	if (r == 0)
		r = throttle_new(&admin->throttle);
	if (r == 0)
		r = lane_start(HASH_THREADS, HASH_PLACES, &admin->hash_lane);
	if (r == 0)
		r = lane_start(WORK_THREADS, WORK_PLACES, &admin->work_lane);
	if (r == 0)
		r = lane_start(EXPORT_THREADS, EXPORT_PLACES, &admin->export_lane);
	if (r == 0 && admin->deps.store)
		r = replays_start(admin->deps.store, &admin->replays);
	if (r == 0)
		r = http_start(admin);
	return r;
}

int admin_start(const struct admin_deps *deps, int listen_fd, struct admin **ret)
{
	CLEANUP(free_admin) struct admin *admin = calloc(1, sizeof(*admin));
	if (!admin)
		return -ENOMEM;
	admin->deps = *deps;
	admin->listen_fd = -1;
	admin->started_us = clock_real_us();
	pthread_mutex_init(&admin->journal_lock, NULL);
	pthread_mutex_init(&admin->publish_lock, NULL);

	int r = start_parts(admin, listen_fd);
	if (r != 0) {
		if (listen_fd >= 0)
			admin->listen_fd = -1; /* still the caller's */
		return r;
	}
	log_event(LOG_INFORM, "admin_listening", "port=%u unix=%s", admin->port,
	          admin->unix_path ? admin->unix_path : "-");
	*ret = TAKE(admin);
	return 0;
}

/* MHD must not stop with a suspended connection: first nothing new goes on a lane, then what is there
 * comes back, then MHD ends. */
void admin_stop(struct admin *admin)
{
	if (!admin)
		return;
	atomic_store(&admin->stopping, true);
	lane_close(admin->hash_lane);
	lane_close(admin->work_lane);
	lane_close(admin->export_lane);
	http_stop(admin);
	free_admin(&admin);
}

uint16_t admin_port(const struct admin *admin)
{
	return admin->port;
}

static int format_link(const struct admin *admin, const char *token, char *link, size_t n_link)
{
	const char *base = admin->deps.options->public_url;
	int n;
	if (base && base[0])
		n = snprintf(link, n_link, "%s%ssetup#token=%s", base,
		             base[strlen(base) - 1] == '/' ? "" : "/", token);
	else if (admin->is_unix)
		n = snprintf(link, n_link, "http://localhost/setup#token=%s", token);
	else
		n = snprintf(link, n_link, "http://127.0.0.1:%u/setup#token=%s", admin->port,
		             token);
	return n < 0 || (size_t)n >= n_link ? -ENOSPC : 0;
}

int admin_setup_link(const struct admin *admin, char *link, size_t n_link)
{
	char token[SETUP_TOKEN_BYTES];
	int r = state_setup_create(admin->deps.state, clock_real_us(), token);
	if (r == -EEXIST && n_link > 0) {
		link[0] = '\0';
		return 0;
	}
	if (r == 0)
		r = format_link(admin, token, link, n_link);
	secret_wipe(token, sizeof(token));
	return r;
}
