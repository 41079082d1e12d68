/* Both ends of SPOP for the bench: an agent that says yes to everything, and a HAProxy that asks as fast as it
 * is answered. One thread each. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include "core/sv.h"
#include "server/address.h"

#include <stdbool.h>

/* The questions, one NOTIFY a token, as they go over the wire. */
struct load_frames {
	unsigned char *bytes;
	size_t *starts; /* n + 1 offsets */
	size_t n;
};

/* load_frames_read - one token a line. Ends the program when the file cannot be read or is empty. */
void load_frames_read(struct load_frames *frames, const char *path);
void load_frames_free(struct load_frames *frames);

struct load_plan {
	const struct address *agent;
	double seconds;       /* how long; not used with once */
	bool once;            /* each question a single time */
	unsigned connections; /* 1 to 64 */
	unsigned window;      /* questions of a connection that wait for their answers, at most */
};

struct load_result {
	unsigned long long allowed, refused;
	double seconds;
};

/* load_client_run - asks and counts. Ends the program when the agent leaves or breaks the protocol. */
struct load_result load_client_run(const struct load_plan *plan, const struct load_frames *frames);

/* load_agent_run - answers until SIGTERM or SIGINT. */
void load_agent_run(const struct address *listen);

/* load_give_up - says why on standard error and ends the program with 1. */
_Noreturn void load_give_up(const char *what, int error);

#endif
