#include "policy/loginjobs.h"

#include "authn/grant.h"
#include "authn/idtoken.h"
#include "authn/keyslot.h"
#include "authn/loginstate.h"
#include "authn/session.h"
#include "authz/stepup.h"
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

/* What may be mended by another try; everything else has used its state up. */
static bool is_outage(enum reason why)
{
	return why == REASON_LOGIN_PROVIDER_UNAVAILABLE || why == REASON_LOGIN_ENDPOINTS_UNKNOWN ||
	       why == REASON_LOGIN_OVERLOADED || why == REASON_AUTHENTICATION_UNAVAILABLE;
}

static void failed(struct policy_logins *logins, struct login_job *job, enum reason why,
                   const char *error)
{
	bool may_mend = is_outage(why);
	login_note(logins, may_mend ? &logins->stats.n_failed : &logins->stats.n_refused, error);
	if (!may_mend)
		login_state_use_up(logins, job->ask->asked.parts[LOGIN_ASK_SEED], now());
	refuse(job, why);
}

/* One that cannot be ended now has its own end. */
static void end_replaced(struct policy_logins *logins, struct sv digest)
{
	if (digest.n != SHA256_BYTES ||
	    state_login_end(logins->state, (const uint8_t *)digest.at) != 0)
		return;
	login_shared_end(logins->shared, (const uint8_t *)digest.at);
	login_note(logins, &logins->stats.n_ended, NULL);
}

/* What the browser was sent away for. A provider may pass acr_values over: then the user is no better off. */
static bool is_as_wanted(const struct authn_ask *asked, const json_t *claims)
{
	struct loginstate_wanted wanted;
	return loginstate_wanted(asked->parts[LOGIN_ASK_WANTED], &wanted) &&
	       authz_stepup_met(wanted.acr, wanted.max_age_s, claims, now());
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
		end_replaced(logins, job->ask->asked.parts[LOGIN_ASK_REPLACED]);
		answer_session(job, &kept, now_s);
	}
}

static bool is_of_keys(enum reason why)
{
	return why == REASON_KEYS_UNAVAILABLE || why == REASON_KEY_UNKNOWN;
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
		if (is_as_wanted(asked, claims)) {
			keep_session(logins, job, grant, claims);
			return;
		}
		json_decref(claims);
		failed(logins, job, REASON_STEP_UP_NOT_MET,
		       "the provider did not sign a user in as a policy asks for");
		return;
	}
	(void)snprintf(words, sizeof(words), "the ID token is not acceptable: %s",
	               reason_text(why));
	failed(logins, job,
	       is_of_keys(why) ? REASON_LOGIN_PROVIDER_UNAVAILABLE : REASON_LOGIN_CODE_REFUSED,
	       words);
}

static void code_was_changed(struct policy_logins *logins, struct login_job *job)
{
	struct grant grant = {0};
	char words[192];
	logins->n_exchanges--;
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

static void not_asked(struct policy_logins *logins, struct login_job *job, int error)
{
	const struct login *login = job->ask->asked.about;
	if (error == -ENOENT) {
		keyslot_want(login->issuer->keys);
		failed(logins, job, REASON_LOGIN_ENDPOINTS_UNKNOWN,
		       "the issuer's document has not said yet where the token endpoint is");
		return;
	}
	failed(logins, job, REASON_LOGIN_PROVIDER_UNAVAILABLE,
	       error == -EPERM ? "the token endpoint may not be asked"
	                       : "the token endpoint cannot be asked now");
}

static void change_code(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	char verifier[LOGIN_TEXT_BYTES];
	struct grant_question question = {.login = asked->about,
	                                  .code = asked->parts[LOGIN_ASK_CODE],
	                                  .redirect_uri = asked->parts[LOGIN_ASK_REDIRECT]};
	int r = loginstate_verifier((const uint8_t *)asked->parts[LOGIN_ASK_SEED].at, verifier)
	                ? 0
	                : -EIO;
	question.verifier = (struct sv){verifier, r == 0 ? LOGIN_TEXT_BYTES - 1 : 0};
	job->run = code_was_changed;
	if (r == 0)
		r = login_job_abroad(logins, job, &question);
	secret_wipe(verifier, sizeof(verifier));
	if (r == 0)
		logins->n_exchanges++;
	else
		not_asked(logins, job, r);
}

/* The same code once more, asked by another worker or behind the deadline of the first: its session is there. */
static bool is_there(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	CLEANUP(login_kept_fini) struct login_kept kept = {0};
	int64_t now_s = now();
	int r = login_kept_get(logins, asked->about, asked->parts[LOGIN_ASK_DIGEST], now_s, &kept);
	if (r == 0)
		answer_session(job, &kept, now_s);
	return r == 0;
}

/* A provider is asked for nothing but a state that came back for the first time, and by a bounded number at once. */
void login_job_code(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	if (asked->parts[LOGIN_ASK_SEED].n != LOGIN_SEED_BYTES) {
		refuse(job, REASON_INTERNAL);
		return;
	}
	if (is_there(logins, job))
		return;
	int r = login_state_used(logins, asked->parts[LOGIN_ASK_SEED]);
	if (r == -EEXIST)
		refuse(job, REASON_LOGIN_STATE_INVALID);
	else if (r != 0)
		refuse(job, REASON_AUTHENTICATION_UNAVAILABLE);
	else if (logins->n_exchanges >= LOGIN_EXCHANGES_MAX)
		failed(logins, job, REASON_LOGIN_OVERLOADED,
		       "as many codes are being changed as may be at once");
	else
		change_code(logins, job);
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

/* in: once: NULL, or what may be used a single time for it */
static int end_named(struct policy_logins *logins, const struct state_login_names *names,
                     const struct state_login_once *once)
{
	struct state_login_ended ended = {0};
	int r = 0;
	do {
		r = state_login_end_named(logins->state, names, once, &ended);
		for (size_t i = 0; r == 0 && i < ended.n; i++) {
			login_shared_end(logins->shared, ended.digests[i]);
			login_note(logins, &logins->stats.n_ended, NULL);
		}
		once = NULL;
	} while (r == 0 && ended.n == LOGINS_PER_SUBJECT);
	return r;
}

static int obey(struct policy_logins *logins, const struct login *login,
                const struct logout_order *order)
{
	const struct state_login_names names = {sv_of(login->issuer->issuer), order->subject,
	                                        order->sid};
	struct state_login_once once = {.until_s = order->until_s};
	const struct sv parts[] = {SV("haward logout"), names.issuer, SV("\n"), order->jti};
	struct sha256 *sha256 = sha256_new();
	bool good = sha256 && sha256_parts(sha256, parts, ARRAY_LEN(parts), once.digest);
	sha256_free(sha256);
	return good ? end_named(logins, &names, &once) : -EIO;
}

void login_job_backchannel(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	const struct login *login = asked->about;
	struct logout_order order = {0};
	enum reason why = REASON_INTERNAL;
	if (!logouttoken_check(login, logins->verifier, asked->parts[LOGIN_ASK_TOKEN], now(),
	                       &order, &why)) {
		refuse(job,
		       is_of_keys(why) ? REASON_LOGIN_PROVIDER_UNAVAILABLE : REASON_LOGOUT_REFUSED);
		return;
	}
	int r = obey(logins, login, &order);
	if (r == 0)
		grant_until(job, json_pack("{s:O}", "claims", order.claims),
		            now() + KEPT_REFUSAL_S);
	else
		refuse(job,
		       r == -EEXIST ? REASON_LOGOUT_REFUSED : REASON_AUTHENTICATION_UNAVAILABLE);
	json_decref(order.claims);
}

/* Nobody has proved anything: whoever knows a sid may end its sessions, and whoever guesses writes nothing. Whether
 * there was one is not said.
 * source: OpenID Connect Front-Channel Logout 1.0, 3 */
void login_job_frontchannel(struct policy_logins *logins, struct login_job *job)
{
	const struct authn_ask *asked = &job->ask->asked;
	const struct login *login = asked->about;
	const struct state_login_names names = {.issuer = sv_of(login->issuer->issuer),
	                                        .sid = asked->parts[LOGIN_ASK_SID]};
	CLEANUP(login_kept_fini) struct login_kept kept = {0};
	struct state_login_ended there = {0};
	int r = state_login_named(logins->state, &names, &there);
	if (r == 0 && there.n > 0) {
		struct sv digest = {(const char *)there.digests[0], SHA256_BYTES};
		(void)!login_kept_get(logins, login, digest, now(), &kept); /* for the book */
		r = end_named(logins, &names, NULL);
	}
	if (r == 0)
		grant_until(job, json_pack("{s:O*}", "claims", kept.claims),
		            now() + KEPT_REFUSAL_S);
	else
		refuse(job, REASON_AUTHENTICATION_UNAVAILABLE);
}
