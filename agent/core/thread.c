#include "core/thread.h"

#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/resource.h>

enum { NAME_BYTES = 16, BACKGROUND_NICE = 10 };

struct start {
	char name[NAME_BYTES];
	enum thread_share share;
	void *(*run)(void *);
	void *user;
};

static void take_share(enum thread_share share)
{
	const struct sched_param none = {0};
	if (share == THREAD_PROMPT)
		return;
	(void)sched_setscheduler(0, SCHED_BATCH, &none);
	if (share == THREAD_BACKGROUND)
		(void)setpriority(PRIO_PROCESS, 0,
		                  BACKGROUND_NICE); /* Linux: of this thread alone */
}

static void *begin(void *argument)
{
	struct start start = *(struct start *)argument;
	free(argument);
	(void)prctl(PR_SET_NAME, start.name);
	take_share(start.share);
	return start.run(start.user);
}

int thread_start(pthread_t *ret, const char *name, enum thread_share share, void *(*run)(void *),
                 void *user)
{
	sigset_t all, before;
	struct start *start = malloc(sizeof(*start));
	if (!start)
		return -ENOMEM;
	*start = (struct start){.share = share, .run = run, .user = user};
	(void)snprintf(start->name, sizeof(start->name), "%s", name);
	(void)sigfillset(&all);
	(void)pthread_sigmask(SIG_SETMASK, &all, &before);
	int r = -pthread_create(ret, NULL, begin, start);
	(void)pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r != 0)
		free(start);
	return r;
}
