/* Who performs the asks of sign-ins: changes codes for sessions, looks sessions up, refreshes and ends them. One thread
 * does all that touches the disk or checks a signature; nobody waits for it.
 */
#ifndef POLICY_LOGINS_H
#define POLICY_LOGINS_H

#include "policy/asks.h"

struct fetch;
struct login_shared;
struct policy_logins;
struct state;

/* Codes that are being changed at once: more are refused with login_overloaded, and the provider is left in peace. */
enum { LOGIN_EXCHANGES_MAX = 64 };

struct policy_logins_options {
	struct state *state;
	struct fetch *fetch;
	struct login_shared *shared; /* its ring is filled and kept fresh from here on */
	const char *keys_path;       /* of the file of state/sealkeys.h; copied */
};

/* policy_logins_start - lifetime: all of the options outlive it. errors: 0, -errno of the key file or of the thread.
 * thread: main */
MUST_CHECK int policy_logins_start(const struct policy_logins_options *options,
                                   struct policy_logins **ret);
/* policy_logins_stop - once no ask is under way, and no request of fetch will end any more but soon
 * (fetch_end_requests()). NULL is allowed. */
void policy_logins_stop(struct policy_logins *logins);

/* policy_logins_performers - puts itself into the table, by kind. */
void policy_logins_performers(struct policy_logins *logins,
                              struct policy_performer performers[AUTHN_ASK_KIND_COUNT]);

/* What became of sign-ins, for people. */
struct policy_logins_stats {
	uint64_t n_signed_in, n_refused, n_failed; /* codes that came back */
	uint64_t n_refreshed, n_refresh_failed;
	uint64_t
		n_ended; /* sessions, by their user, their provider, or a refresh that was refused */
	char error
		[160]; /* why the last sign-in or refresh went wrong; "" when one went well since */
	int64_t failed_at; /* Unix seconds; 0: never */
};
void policy_logins_stats(struct policy_logins *logins, struct policy_logins_stats *ret);

#endif
