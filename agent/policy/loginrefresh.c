#include "policy/loginrefresh.h"

#include "authn/grant.h"
#include "authn/idtoken.h"
#include "authn/session.h"
#include "core/clock.h"
#include "core/jsonload.h"
#include "policy/policy.h"
#include "state/logins.h"

#include <errno.h>
#include <stdlib.h>

enum { RETRY_S = 60 };

struct login_refresh {
	struct login_refresh *next;
	uint8_t digest[SHA256_BYTES];
	struct policy *policy; /* a reference */
	const struct login *login;
};

static bool is_under_way(const struct policy_logins *logins, const uint8_t digest[SHA256_BYTES])
{
	for (const struct login_refresh *r = logins->refreshes; r; r = r->next)
		if (memcmp(r->digest, digest, SHA256_BYTES) == 0)
			return true;
	return false;
}

static void refresh_free(struct policy_logins *logins, struct login_refresh *refresh)
{
	for (struct login_refresh **at = &logins->refreshes; *at; at = &(*at)->next) {
		if (*at != refresh)
			continue;
		*at = refresh->next;
		break;
	}
	policy_unref(refresh->policy);
	free(refresh);
}

static void end_session(struct policy_logins *logins, const struct login_refresh *refresh,
                        const char *why)
{
	if (state_login_end(logins->state, refresh->digest) != 0)
		return; /* asked again with the next use */
	login_shared_end(logins->shared, refresh->digest);
	login_note(logins, &logins->stats.n_ended, why);
}

/* The new ID token may be missing; one of somebody else ends the session.
 * source: OpenID Connect Core 1.0 12.2 */
static bool check_new(struct policy_logins *logins, const struct login_refresh *refresh,
                      const struct grant *grant, const struct login_kept *kept, json_t **ret)
{
	const struct idtoken_expected expected = {.access_token = grant->access_token};
	enum reason why;
	*ret = NULL;
	if (grant->id_token.n == 0)
		return true;
	if (!idtoken_check(refresh->login, logins->verifier, grant->id_token, &expected,
	                   clock_real_us() / 1000000, ret, &why))
		return why == REASON_KEYS_UNAVAILABLE || why == REASON_KEY_UNKNOWN;
	if (sv_eq(json_string_sv(json_object_get(*ret, "sub")),
	          json_string_sv(json_object_get(kept->claims, "sub"))))
		return true;
	json_decref(*ret);
	*ret = NULL;
	return false;
}

static void renew(struct policy_logins *logins, const struct login_refresh *refresh,
                  struct login_kept *kept, const struct grant *grant)
{
	json_t *claims;
	if (!check_new(logins, refresh, grant, kept, &claims)) {
		end_session(logins, refresh,
		            "a refresh brought an ID token that is not acceptable");
		return;
	}
	struct grant given = *grant;
	if (given.refresh_token.n == 0)
		given.refresh_token = kept->refresh_token; /* the old one goes on */
	int64_t now_s = clock_real_us() / 1000000;
	int r = login_kept_renew(logins, kept, &given, claims, login_refresh_at(&given, now_s));
	login_note(logins, r ? &logins->stats.n_refresh_failed : &logins->stats.n_refreshed,
	           r && r != -ENOENT ? "a refreshed session cannot be kept" : NULL);
}

static void put_off(struct policy_logins *logins, struct login_kept *kept, const char *why)
{
	login_note(logins, &logins->stats.n_refresh_failed, why);
	(void)!login_kept_renew(logins, kept, NULL, NULL, clock_real_us() / 1000000 + RETRY_S);
}

static void was_asked(struct policy_logins *logins, struct login_job *job)
{
	struct login_refresh *refresh = job->refresh;
	CLEANUP(login_kept_fini) struct login_kept kept = {0};
	struct sv digest = {(const char *)refresh->digest, SHA256_BYTES};
	struct grant grant = {0};
	/* what stands there now: it may have been ended or touched meanwhile */
	int r = login_kept_get(logins, refresh->login, digest, clock_real_us() / 1000000, &kept);
	enum grant_outcome outcome =
		grant_read(job->status, (struct sv){job->body, job->n_body}, &grant);
	if (r == 0 && outcome == GRANT_GIVEN)
		renew(logins, refresh, &kept, &grant);
	else if (r == 0 && outcome == GRANT_REFUSED)
		end_session(logins, refresh, "the provider refused to refresh a session");
	else if (r == 0)
		put_off(logins, &kept, "the token endpoint gave no usable answer to a refresh");
	json_decref(grant.document);
	refresh_free(logins, refresh);
	login_job_free(job);
}

void login_refresh_begin(struct policy_logins *logins, struct policy *policy,
                         const struct login *login, const struct login_kept *kept)
{
	if (is_under_way(logins, kept->digest) || kept->refresh_token.n == 0)
		return;
	struct login_refresh *refresh = calloc(1, sizeof(*refresh));
	struct login_job *job = calloc(1, sizeof(*job));
	const struct grant_question question = {.login = login,
	                                        .refresh_token = kept->refresh_token};
	if (refresh && job) {
		memcpy(refresh->digest, kept->digest, SHA256_BYTES);
		refresh->policy = policy_ref(policy);
		refresh->login = login;
		refresh->next = logins->refreshes;
		logins->refreshes = refresh;
		*job = (struct login_job){.run = was_asked, .refresh = refresh};
		if (login_job_abroad(logins, job, &question) == 0)
			return;
		refresh_free(logins, refresh);
		refresh = NULL;
	}
	free(refresh);
	free(job);
}
