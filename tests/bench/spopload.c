/* spopload --agent ADDR
 *     an agent that says yes to everything: what asking costs when answering costs nothing
 * spopload --connect ADDR --tokens FILE (--seconds N | --once)
 *     asks an agent `GET /orders/17` with the tokens of FILE, pipelined, and prints one JSON object:
 *     answers a second, how many allowed and refused. Ends with 1 when one was refused. */
#include "load.h"

#include <argp.h>
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

struct settings {
	const char *agent, *connect, *tokens;
	struct load_plan plan;
};

static error_t option(int key, char *value, struct argp_state *state)
{
	struct settings *s = state->input;
	switch (key) {
	case 'a':
		s->agent = value;
		return 0;
	case 'c':
		s->connect = value;
		return 0;
	case 't':
		s->tokens = value;
		return 0;
	case 's':
		s->plan.seconds = strtod(value, NULL);
		return 0;
	case 'o':
		s->plan.once = true;
		return 0;
	case 'n':
		s->plan.connections = (unsigned)strtoul(value, NULL, 10);
		return 0;
	case 'w':
		s->plan.window = (unsigned)strtoul(value, NULL, 10);
		return 0;
	case ARGP_KEY_END:
		if (!s->agent == !s->connect || (s->connect && !s->tokens) ||
		    (s->connect && s->plan.once == (s->plan.seconds > 0)) || s->plan.window == 0)
			argp_error(state,
			           "--agent, or --connect with --tokens and one of --seconds "
			           "and --once");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static struct address address(const char *text)
{
	struct address address;
	if (!address_parse(text, &address))
		load_give_up(text, EINVAL);
	return address;
}

static int ask(struct settings *s)
{
	struct address agent = address(s->connect);
	struct load_frames frames;
	s->plan.agent = &agent;
	load_frames_read(&frames, s->tokens);
	struct load_result r = load_client_run(&s->plan, &frames);
	load_frames_free(&frames);
	printf("{\"per_s\":%.0f,\"allowed\":%llu,\"refused\":%llu,\"seconds\":%.3f}\n",
	       (double)(r.allowed + r.refused) / r.seconds, r.allowed, r.refused, r.seconds);
	return r.refused ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"agent", 'a', "ADDR", 0, "be an agent that says yes", 0},
		{"connect", 'c', "ADDR", 0, "ask the agent at ADDR", 0},
		{"tokens", 't', "FILE", 0, "bearer tokens, one a line", 0},
		{"seconds", 's', "N", 0, "for so long, over and over", 0},
		{"once", 'o', NULL, 0, "each token a single time", 0},
		{"connections", 'n', "N", 0, "at once (4)", 0},
		{"window", 'w', "N", 0, "unanswered questions a connection (64)", 0},
		{0},
	};
	const struct sigaction ignore = {.sa_handler = SIG_IGN};
	struct settings s = {.plan = {.connections = 4, .window = 64}};
	/* HAProxy may leave while it is answered: that ends a connection, not the agent */
	(void)sigaction(SIGPIPE, &ignore, NULL);
	argp_parse(&(struct argp){.options = options, .parser = option}, argc, argv, 0, NULL, &s);
	if (s.connect)
		return ask(&s);
	struct address listen = address(s.agent);
	load_agent_run(&listen);
	return 0;
}
