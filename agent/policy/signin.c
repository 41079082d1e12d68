#include "policy/signin.h"

#include "authn/cookie.h"
#include "authn/loginstate.h"
#include "authn/param.h"
#include "authn/session.h"
#include "authz/headers.h"
#include "core/form.h"
#include "core/jsonload.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/policy.h"

enum { CODE_MAX_BYTES = 4096, LOCATION_MAX_BYTES = 24 * 1024 };

static struct loginstate_ctx way_of(const struct signin *s)
{
	return (struct loginstate_ctx){&s->ctx->shared->ring, s->ctx->arena, s->now_s};
}

/* ---- verdicts ---- */

/* What the agent says itself: nothing passes to a service. */
static void say(struct decision *ret, enum reason reason, uint16_t status, struct sv location)
{
	ret->verdict.effect = VERDICT_REDIRECT;
	ret->verdict.reason = reason;
	ret->verdict.status = status;
	ret->verdict.location = location;
}

static enum signin_outcome deny(struct decision *ret, enum reason reason)
{
	struct verdict before = ret->verdict;
	ret->verdict = verdict_deny(reason);
	ret->verdict.path = before.path;
	memcpy(ret->verdict.cookies, before.cookies, sizeof(before.cookies));
	ret->verdict.why[0] =
		(struct why){.condition = SV("login"), .expected = sv_of(reason_text(reason))};
	ret->verdict.n_why = 1;
	return SIGNIN_NOW;
}

/* ---- answers that were asked for ---- */

/* What is known of an ask: its answer, or nothing yet, and then it is asked. */
static enum signin_outcome answer_to(const struct signin *s, struct authn_ask *ask,
                                     struct decision *ret, const struct identity **ret_who)
{
	uint64_t serial = authn_serial(policy_authn(s->policy));
	struct tokencache_refusal refusal;
	*ret_who = tokencache_find(s->ctx->tokens, ask->key, serial, s->now_s);
	if (*ret_who)
		return SIGNIN_NOW;
	if (tokencache_find_refusal(s->ctx->tokens, ask->key, serial, s->now_s, &refusal))
		return deny(ret, refusal.why);
	if (!s->ctx->ask)
		return deny(ret,
		            s->ctx->unasked ? s->ctx->unasked : REASON_AUTHENTICATION_UNAVAILABLE);
	*s->ctx->ask = *ask;
	s->ctx->ask->serial = serial;
	return SIGNIN_LATER;
}

static bool keep_bytes(const struct signin *s, const uint8_t *at, size_t n, struct sv *ret)
{
	return arena_dup(s->ctx->arena, (struct sv){(const char *)at, n}, ret);
}

/* ---- back from the provider ---- */

struct came_back {
	const struct login *login;
	struct loginstate way;
	struct sv code;
	bool refused; /* the provider sent an error instead */
};

/* A parameter that may be missing; false when it stands there twice or cannot be read. */
static bool parameter(const struct signin *s, struct sv name, struct sv *ret)
{
	*ret = (struct sv){0};
	enum found found = param_find(s->req->query, name, s->ctx->arena, ret);
	return found == FOUND_NONE || found == FOUND_ONE;
}

static bool read_callback(const struct signin *s, struct came_back *ret)
{
	const struct loginstate_ctx ctx = way_of(s);
	struct sv state, iss, error;
	if (!parameter(s, SVL("state"), &state) || !parameter(s, SVL("code"), &ret->code) ||
	    !parameter(s, SVL("iss"), &iss) || !parameter(s, SVL("error"), &error) ||
	    !loginstate_resume(ret->login, &ctx, s->req->host, s->req->cookie, state, &ret->way))
		return false;
	/* source: RFC 9207 2.4: the answer of another provider is mixed in here */
	if (iss.n && !sv_eq(iss, sv_of(ret->login->issuer->issuer)))
		return false;
	ret->refused = error.n > 0;
	return ret->refused || (ret->code.n > 0 && ret->code.n <= CODE_MAX_BYTES);
}

static enum signin_outcome signed_in(const struct signin *s, const struct came_back *back,
                                     const struct identity *who, const char *id,
                                     struct decision *ret)
{
	struct arena *arena = s->ctx->arena;
	struct sv cookie =
		login_set_cookie(back->login, arena, login_cookie_name(back->login, arena),
	                         sv_of(id), back->login->session.lifetime_s);
	if (cookie.n == 0)
		return deny(ret, REASON_INTERNAL);
	ret->identity = *who;
	say(ret, REASON_LOGIN_DONE, 302, back->way.back);
	ret->verdict.cookies[0] = cookie;
	ret->verdict.cookies[1] = back->way.forget;
	return SIGNIN_NOW;
}

static bool fill_code_ask(const struct signin *s, const struct came_back *back,
                          const struct session_place *place, struct authn_ask *ret)
{
	const struct login *login = back->login;
	*ret = (struct authn_ask){.kind = AUTHN_ASK_CODE, .about = login};
	memcpy(ret->key, place->key, sizeof(ret->key));
	ret->parts[LOGIN_ASK_CODE] = back->code;
	ret->parts[LOGIN_ASK_REDIRECT] =
		login_url(login, s->ctx->arena, s->req->host, login->paths[LOGIN_CALLBACK]);
	return ret->parts[LOGIN_ASK_REDIRECT].n > 0 &&
	       keep_bytes(s, place->digest, sizeof(place->digest), &ret->parts[LOGIN_ASK_DIGEST]) &&
	       keep_bytes(s, back->way.seed, sizeof(back->way.seed), &ret->parts[LOGIN_ASK_SEED]);
}

static enum signin_outcome answer_callback(const struct signin *s, const struct login *login,
                                           struct decision *ret)
{
	struct came_back back = {.login = login};
	char id[LOGIN_TEXT_BYTES];
	struct session_place place;
	struct authn_ask ask;
	const struct identity *who = NULL;
	if (!sv_eq(s->req->method, SVL("GET")) || !read_callback(s, &back))
		return deny(ret, REASON_LOGIN_STATE_INVALID);
	ret->verdict.cookies[0] = back.way.forget;
	if (back.refused)
		return deny(ret, REASON_LOGIN_REFUSED);
	if (!loginstate_session_id(back.way.seed, back.code, id) ||
	    !session_place(s->ctx->tokens, s->ctx->shared, sv_of(id), &place) ||
	    !fill_code_ask(s, &back, &place, &ask))
		return deny(ret, REASON_INTERNAL);
	enum signin_outcome outcome = answer_to(s, &ask, ret, &who);
	return who ? signed_in(s, &back, who, id, ret) : outcome;
}

/* ---- signing out ---- */

static struct sv header(const struct signin *s, struct sv name)
{
	struct authz_header found;
	if (s->req->headers.n == 0 ||
	    !authz_headers_find(s->req->headers, name, s->ctx->arena, &found))
		return (struct sv){0};
	return found.joined;
}

/* Whether a page of this very origin, or the person at the browser, asks. Old browsers say it by Origin or Referer. */
static bool is_own_wish(const struct signin *s, const struct login *login)
{
	struct sv site = header(s, SVL("sec-fetch-site"));
	struct sv from = header(s, SVL("origin"));
	struct sv own = login_url(login, s->ctx->arena, s->req->host, "/");
	if (site.n)
		return sv_eq(site, SVL("same-origin")) || sv_eq(site, SVL("none"));
	if (from.n)
		return own.n > 0 && sv_eq(from, sv_first(own, own.n - 1));
	return own.n > 0 && sv_starts(header(s, SVL("referer")), own);
}

/* The provider's own way out, where it has one. source: OpenID Connect RP-Initiated Logout 1.0, 2 */
static struct sv way_out(const struct signin *s, const struct login *login, struct sv id_token)
{
	struct sv after = sv_of(login->after_logout_path);
	struct sv endpoint = sv_of(login->end_session_endpoint);
	char *room = endpoint.n ? arena_alloc(s->ctx->arena, LOCATION_MAX_BYTES) : NULL;
	struct outbuf b = outbuf_over(room, room ? LOCATION_MAX_BYTES : 0);
	if (!room)
		return after;
	outbuf_put(&b, endpoint);
	outbuf_u8(&b, sv_find(endpoint, '?') == endpoint.n ? '?' : '&');
	struct outbuf query = outbuf_over(b.at + b.n, outbuf_left(&b));
	form_add(&query, SVL("client_id"), sv_of(login->client_id));
	form_add(&query, SVL("post_logout_redirect_uri"),
	         login_url(login, s->ctx->arena, s->req->host, login->after_logout_path));
	if (id_token.n)
		form_add(&query, SVL("id_token_hint"), id_token);
	return b.failed || query.failed ? after : (struct sv){room, b.n + query.n};
}

static enum signin_outcome signed_out(const struct signin *s, const struct login *login,
                                      const struct identity *who, struct decision *ret)
{
	struct arena *arena = s->ctx->arena;
	struct sv id_token = {0};
	if (who) {
		id_token = json_string_sv(json_object_get(who->claims, "id_token"));
		ret->identity = *who;
		ret->identity.claims = json_object_get(who->claims, "claims");
	}
	say(ret, REASON_LOGOUT_DONE, 302, way_out(s, login, id_token));
	ret->verdict.cookies[0] =
		login_set_cookie(login, arena, login_cookie_name(login, arena), (struct sv){0}, 0);
	return ret->verdict.cookies[0].n ? SIGNIN_NOW : deny(ret, REASON_INTERNAL);
}

static enum signin_outcome answer_logout(const struct signin *s, const struct login *login,
                                         struct decision *ret)
{
	struct sv id = {0};
	struct session_place place;
	struct authn_ask ask = {.kind = AUTHN_ASK_LOGOUT, .about = login};
	const struct identity *who = NULL;
	bool is_read = sv_eq(s->req->method, SVL("GET"));
	if ((!is_read && !sv_eq(s->req->method, SVL("POST"))) || !is_own_wish(s, login))
		return deny(ret, REASON_LOGOUT_REFUSED);
	struct sv name = login_cookie_name(login, s->ctx->arena);
	if (cookie_find(s->req->cookie, name, &id) != FOUND_ONE ||
	    !session_place(s->ctx->tokens, s->ctx->shared, id, &place))
		return signed_out(s, login, NULL, ret); /* there is nothing to end */
	if (!tokencache_digest_of(s->ctx->tokens, "haward logout", id, ask.key) ||
	    !keep_bytes(s, place.digest, sizeof(place.digest), &ask.parts[LOGIN_ASK_DIGEST]))
		return deny(ret, REASON_INTERNAL);
	enum signin_outcome outcome = answer_to(s, &ask, ret, &who);
	return who ? signed_out(s, login, who, ret) : outcome;
}

/* source: OpenID Connect Back-Channel Logout 1.0, 2.5 and 2.8 */
static enum signin_outcome answer_backchannel(const struct signin *s, const struct login *login,
                                              struct decision *ret)
{
	struct sv token = {0};
	struct authn_ask ask = {.kind = AUTHN_ASK_BACKCHANNEL, .about = login};
	const struct identity *who = NULL;
	if (!sv_eq(s->req->method, SVL("POST")) ||
	    param_find(s->req->body, SVL("logout_token"), s->ctx->arena, &token) != FOUND_ONE ||
	    token.n == 0 || token.n > JWS_TOKEN_MAX_BYTES)
		return deny(ret, REASON_LOGOUT_REFUSED);
	if (!tokencache_digest_of(s->ctx->tokens, "haward back channel", token, ask.key))
		return deny(ret, REASON_INTERNAL);
	ask.parts[LOGIN_ASK_TOKEN] = token;
	enum signin_outcome outcome = answer_to(s, &ask, ret, &who);
	if (!who)
		return outcome;
	ret->identity = *who;
	ret->identity.claims = json_object_get(who->claims, "claims");
	say(ret, REASON_LOGOUT_DONE, 200, (struct sv){0});
	return SIGNIN_NOW;
}

typedef enum signin_outcome answer_fn(const struct signin *s, const struct login *login,
                                      struct decision *ret);

static answer_fn *const answers[LOGIN_PATH_COUNT] = {
	[LOGIN_CALLBACK] = answer_callback,
	[LOGIN_LOGOUT] = answer_logout,
	[LOGIN_BACKCHANNEL] = answer_backchannel,
};

enum signin_outcome signin_answer(const struct signin *s, struct decision *ret)
{
	const struct request *req = s->req;
	enum login_path path = LOGIN_PATH_COUNT;
	if (req->kind != REQUEST_HTTP || req->bad)
		return SIGNIN_NOT_MINE; /* what cannot be read is refused as such */
	struct sv own = sv_first(req->path, sv_find(req->path, '?'));
	const struct login *login =
		logins_answering(policy_login_set(s->policy), req->host, own, &path);
	if (!login)
		return SIGNIN_NOT_MINE;
	ret->verdict = (struct verdict){.path = own};
	if (!s->ctx->shared || !s->ctx->tokens)
		return deny(ret, REASON_AUTHENTICATION_UNAVAILABLE);
	return answers[path](s, login, ret);
}

/* ---- sending to the provider ---- */

/* Whether what asks is a browser that would show what it gets: a redirect is of no use to a script or an image.
 * source: Fetch Metadata Request Headers 2.2; older browsers say it by Accept */
static bool is_navigation(const struct signin *s)
{
	struct sv mode = header(s, SVL("sec-fetch-mode"));
	struct sv accept = header(s, SVL("accept")), part;
	if (!sv_eq(s->req->method, SVL("GET")))
		return false;
	if (mode.n)
		return sv_eq(mode, SVL("navigate"));
	if (header(s, SVL("x-requested-with")).n)
		return false;
	while (accept.n && sv_cut(&accept, ',', &part))
		if (sv_eq_ci(sv_trim(sv_first(part, sv_find(part, ';'))), SVL("text/html")))
			return true;
	return false;
}

void signin_send(const struct signin *s, const struct login *login, bool over, struct decision *ret)
{
	struct loginstate_begun begun;
	if (ret->verdict.reason != REASON_AUTHENTICATION_REQUIRED)
		return;
	ret->verdict.reason = over ? REASON_SESSION_EXPIRED : REASON_LOGIN_REQUIRED;
	if (!s->ctx->shared || !login_has_host(login, s->req->host) || !is_navigation(s))
		return;
	const struct loginstate_ctx ctx = way_of(s);
	const struct sv to[2] = {sv_first(s->req->path, sv_find(s->req->path, '?')), s->req->query};
	if (!loginstate_begin(login, &ctx, s->req->host, to, &begun))
		return; /* a 401 then */
	say(ret, ret->verdict.reason, 302, begun.location);
	ret->verdict.cookies[0] = begun.cookie;
}
