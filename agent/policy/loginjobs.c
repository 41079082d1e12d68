#include "policy/loginjobs.h"

#include "authn/grant.h"
#include "authn/idtoken.h"
#include "authn/keyslot.h"
#include "authn/loginstate.h"
#include "authn/session.h"
#include "core/clock.h"
#include "core/secret.h"
#include "policy/loginrefresh.h"
#include "policy/loginsession.h"
#include "state/logins.h"

#include <errno.h>

enum { KEPT_REFUSAL_S = 2, KEPT_END_S = 5, LOOK_AGAIN_S = 5 };

static int64_t now(void)
{
	return clock_real_us() / 1000000;
}

static void done(struct login_job *job, struct authn_answer *answer)
{
	policy_ask_done(job->ask, answer);
	login_job_free(job);
}

static void refuse(struct login_job *job, enum reason why)
{
	struct authn_answer answer = {.why = why, .until_s = now() + KEPT_REFUSAL_S};
	done(job, &answer);
}

/* in: claims: taken over */
static void grant_until(struct login_job *job, json_t *claims, int64_t until_s)
{
	struct authn_answer answer = {.is_good = claims, .claims = claims, .until_s = until_s};
	if (!claims)
		answer.why = REASON_AUTHENTICATION_UNAVAILABLE;
	done(job, &answer);
}

static void answer_session(struct login_job *job, const struct login_kept *kept, int64_t now_s)
{
	int64_t until_s = MIN_OF(now_s + SESSION_KEPT_S, kept->ends_at);
	if (kept->refresh_at) /* not behind the time when it has to be refreshed, or is being */
		until_s = MIN_OF(until_s, MAX_OF(kept->refresh_at, now_s + LOOK_AGAIN_S));
	grant_until(job, json_deep_copy(kept->claims), until_s);
}

/* ---- a code for a session ---- */

static void failed(struct policy_logins *logins, struct login_job *job, enum reason why,
                   const char *error)
{
	bool is_outage = why == REASON_LOGIN_PROVIDER_UNAVAILABLE ||
	                 why == REASON_AUTHENTICATION_UNAVAILABLE;
	login_note(logins, is_outage ? &logins->stats.n_failed : &logins->stats.n_refused, error);
	refuse(job, why);
}

static void keep_session(struct policy_logins *logins, struct login_job *job,
                         const struct grant *grant, json_t *claims)
{
	CLEANUP(login_kept_fini) struct login_kept kept = {0};
	int64_t now_s = now();
	int r = login_kept_add(logins, job->ask, grant, claims, now_s, &kept);
	if (r == -EEXIST) {
		failed(logins, job, REASON_LOGIN_STATE_INVALID, "a state came back twice");
	} else if (r != 0) {
		failed(logins, job, REASON_AUTHENTICATION_UNAVAILABLE,
		       "the session cannot be kept: no space, or no keys");
	} else {
		login_note(logins, &logins->stats.n_signed_in, NULL);
		answer_session(job, &kept, now_s);
	}
}

static void check_grant(struct policy_logins *logins, struct login_job *job,
                        const struct grant *grant)
{
	const struct authn_ask *asked = &job->ask->asked;
	const struct login *login = asked->about;
	char nonce[LOGIN_TEXT_BYTES], words[128];
	json_t *claims = NULL;
	enum reason why = REASON_INTERNAL;
	if (!loginstate_nonce((const uint8_t *)asked->parts[LOGIN_ASK_SEED].at, nonce)) {
		failed(logins, job, REASON_AUTHENTICATION_UNAVAILABLE, "OpenSSL failed");
		return;
	}
	const struct idtoken_expected expected = {sv_of(nonce), grant->access_token};
	if (idtoken_check(login, logins->verifier, grant->id_token, &expected, now(), &claims,
	                  &why)) {
		keep_session(logins, job, grant, claims);
		return;
	}
	(void)snprintf(words, sizeof(words), "the ID token is not acceptable: %s",
	               reason_text(why));
	bool is_outage = why == REASON_KEYS_UNAVAILABLE || why == REASON_KEY_UNKNOWN;
	failed(logins, job,
	       is_outage ? REASON_LOGIN_PROVIDER_UNAVAILABLE : REASON_LOGIN_CODE_REFUSED, words);
}

static void code_was_changed(struct policy_logins *logins, struct login_job *job)
{
	struct grant grant = {0};
	char words[192];
	switch (grant_read(job->status, (struct sv){job->body, job->n_body}, &grant)) {
	case GRANT_GIVEN:
		check_grant(logins, job, &grant);
		json_decref(grant.document);
		return;
	case GRANT_REFUSED:
		failed(logins, job, REASON_LOGIN_CODE_REFUSED, "the provider refused the code");
		return;
	case GRANT_FAILED:
		(void)snprintf(words, sizeof(words), "the token endpoint gave no usable answer: %s",
		               job->error[0] ? job->error : "no tokens in it");
		failed(logins, job, REASON_LOGIN_PROVIDER_UNAVAILABLE, words);
		return;
	}
}

void login_job_code(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	char verifier[LOGIN_TEXT_BYTES];
	struct grant_question question = {.login = asked->about,
	                                  .code = asked->parts[LOGIN_ASK_CODE],
	                                  .redirect_uri = asked->parts[LOGIN_ASK_REDIRECT]};
	int r = asked->parts[LOGIN_ASK_SEED].n == LOGIN_SEED_BYTES &&
	                        loginstate_verifier(
					(const uint8_t *)asked->parts[LOGIN_ASK_SEED].at, verifier)
	                ? 0
	                : -EIO;
	question.verifier = (struct sv){verifier, r == 0 ? LOGIN_TEXT_BYTES - 1 : 0};
	job->run = code_was_changed;
	if (r == 0)
		r = login_job_abroad(logins, job, &question);
	secret_wipe(verifier, sizeof(verifier));
	if (r)
		failed(logins, job, REASON_LOGIN_PROVIDER_UNAVAILABLE,
		       r == -EPERM ? "the token endpoint may not be asked"
		                   : "the token endpoint cannot be asked now");
}

/* ---- a session that is used ---- */

void login_job_session(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	const struct login *login = asked->about;
	CLEANUP(login_kept_fini) struct login_kept kept = {0};
	int64_t now_s = now();
	int r = login_kept_get(logins, login, asked->parts[LOGIN_ASK_DIGEST], now_s, &kept);
	if (r == 0)
		r = login_kept_touch(logins, login, &kept, now_s);
	if (r != 0) {
		refuse(job,
		       r == -ENOENT ? REASON_SESSION_EXPIRED : REASON_AUTHENTICATION_UNAVAILABLE);
		return;
	}
	if (kept.refresh_at && now_s >= kept.refresh_at)
		login_refresh_begin(logins, job->ask->policy, login, &kept);
	answer_session(job, &kept, now_s);
}

/* ---- the end of one ---- */

static json_t *ended_claims(const struct login_kept *kept)
{
	return json_pack("{s:O?, s:s%}", "claims", kept->claims, "id_token",
	                 kept->id_token.at ? kept->id_token.at : "", kept->id_token.n);
}

/* Also where there is none to end: whoever wants out is out. */
void login_job_logout(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	CLEANUP(login_kept_fini) struct login_kept kept = {0};
	struct sv digest = asked->parts[LOGIN_ASK_DIGEST];
	int r = login_kept_get(logins, asked->about, digest, now(), &kept);
	if (r == 0 || r == -ENOENT)
		r = state_login_end(logins->state, (const uint8_t *)digest.at);
	if (r != 0) {
		refuse(job, REASON_AUTHENTICATION_UNAVAILABLE);
		return;
	}
	login_shared_end(logins->shared, (const uint8_t *)digest.at);
	if (kept.document)
		login_note(logins, &logins->stats.n_ended, NULL);
	grant_until(job, ended_claims(&kept), now() + KEPT_END_S);
}

static int end_named(struct policy_logins *logins, const struct login *login,
                     const struct logout_order *order)
{
	const struct state_login_names names = {sv_of(login->issuer->issuer), order->subject,
	                                        order->sid};
	struct state_login_once once = {.until_s = order->until_s};
	const struct sv parts[] = {SV("haward logout"), names.issuer, SV("\n"), order->jti};
	struct state_login_ended ended = {0};
	struct sha256 *sha256 = sha256_new();
	int r = sha256 && sha256_parts(sha256, parts, ARRAY_LEN(parts), once.digest) ? 0 : -EIO;
	sha256_free(sha256);
	const struct state_login_once *used = &once;
	do {
		if (r == 0)
			r = state_login_end_named(logins->state, &names, used, &ended);
		for (size_t i = 0; r == 0 && i < ended.n; i++) {
			login_shared_end(logins->shared, ended.digests[i]);
			login_note(logins, &logins->stats.n_ended, NULL);
		}
		used = NULL;
	} while (r == 0 && ended.n == LOGINS_PER_SUBJECT);
	return r;
}

void login_job_backchannel(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	const struct login *login = asked->about;
	struct logout_order order = {0};
	enum reason why = REASON_INTERNAL;
	if (!logouttoken_check(login, logins->verifier, asked->parts[LOGIN_ASK_TOKEN], now(),
	                       &order, &why)) {
		bool is_outage = why == REASON_KEYS_UNAVAILABLE || why == REASON_KEY_UNKNOWN;
		refuse(job, is_outage ? REASON_LOGIN_PROVIDER_UNAVAILABLE : REASON_LOGOUT_REFUSED);
		return;
	}
	int r = end_named(logins, login, &order);
	if (r == 0)
		grant_until(job, json_pack("{s:O}", "claims", order.claims),
		            now() + KEPT_REFUSAL_S);
	else
		refuse(job,
		       r == -EEXIST ? REASON_LOGOUT_REFUSED : REASON_AUTHENTICATION_UNAVAILABLE);
	json_decref(order.claims);
}
