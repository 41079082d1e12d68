#include "policy/signin.h"

#include "authn/cookie.h"
#include "authn/endpoints.h"
#include "authn/keyslot.h"
#include "authn/loginstate.h"
#include "authn/param.h"
#include "authn/session.h"
#include "authz/headers.h"
#include "core/form.h"
#include "core/jsonload.h"
#include "core/secret.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/policy.h"

enum { CODE_MAX_BYTES = 4096, SID_MAX_BYTES = 512, LOCATION_MAX_BYTES = 24 * 1024 };

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

static enum signin_outcome deny_for(struct decision *ret, enum reason reason, const struct why *why)
{
	struct verdict before = ret->verdict;
	ret->verdict = verdict_deny(reason);
	ret->verdict.path = before.path;
	ret->verdict.service = before.service;
	memcpy(ret->verdict.cookies, before.cookies, sizeof(before.cookies));
	ret->verdict.why[0] = *why;
	ret->verdict.n_why = 1;
	return SIGNIN_NOW;
}

static enum signin_outcome deny(struct decision *ret, enum reason reason)
{
	const struct why why = {.condition = SV("login"), .expected = sv_of(reason_text(reason))};
	return deny_for(ret, reason, &why);
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
	if (s->req->n_cookie > 1 || !parameter(s, SVL("state"), &state) ||
	    !parameter(s, SVL("code"), &ret->code) || !parameter(s, SVL("iss"), &iss) ||
	    !parameter(s, SVL("error"), &error) ||
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

/* The session that a better sign-in takes the place of. An ordinary one ends none: another tab may just have begun it. */
static bool note_replaced(const struct signin *s, const struct came_back *back,
                          struct authn_ask *ret)
{
	struct session_place place;
	struct sv id = {0}, name = login_cookie_name(back->login, s->ctx->arena);
	if (back->way.wanted.n == 0 || name.n == 0 || cookie_of(s->req, name, &id) != FOUND_ONE ||
	    !session_place(s->ctx->tokens, s->ctx->shared, id, &place))
		return name.n > 0;
	return keep_bytes(s, place.digest, sizeof(place.digest), &ret->parts[LOGIN_ASK_REPLACED]);
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
	bool good = ret->parts[LOGIN_ASK_REDIRECT].n > 0 &&
	            keep_bytes(s, place->digest, sizeof(place->digest),
	                       &ret->parts[LOGIN_ASK_DIGEST]) &&
	            keep_bytes(s, back->way.seed, sizeof(back->way.seed), &ret->wipe);
	ret->parts[LOGIN_ASK_SEED] = ret->wipe;
	ret->parts[LOGIN_ASK_WANTED] = back->way.wanted;
	return good && note_replaced(s, back, ret);
}

static enum signin_outcome change_code(const struct signin *s, const struct came_back *back,
                                       struct decision *ret)
{
	char id[LOGIN_TEXT_BYTES] = "";
	struct session_place place;
	struct authn_ask ask;
	const struct identity *who = NULL;
	enum signin_outcome outcome;
	if (!loginstate_session_id(back->way.seed, back->code, id) ||
	    !session_place(s->ctx->tokens, s->ctx->shared, sv_of(id), &place) ||
	    !fill_code_ask(s, back, &place, &ask))
		outcome = deny(ret, REASON_INTERNAL);
	else
		outcome = answer_to(s, &ask, ret, &who);
	if (who)
		outcome = signed_in(s, back, who, id, ret);
	secret_wipe(id, sizeof(id));
	return outcome;
}

static enum signin_outcome answer_callback(const struct signin *s, const struct login *login,
                                           struct decision *ret)
{
	struct came_back back = {.login = login};
	if (!sv_eq(s->req->method, SVL("GET")) || !read_callback(s, &back))
		return deny(ret, REASON_LOGIN_STATE_INVALID);
	ret->verdict.cookies[0] = back.way.forget;
	enum signin_outcome outcome =
		back.refused ? deny(ret, REASON_LOGIN_REFUSED) : change_code(s, &back, ret);
	secret_wipe(back.way.seed, sizeof(back.way.seed));
	return outcome;
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
static struct sv way_out(const struct signin *s, const struct login *login, struct sv endpoint,
                         struct sv id_token)
{
	struct sv after = sv_of(login->after_logout_path);
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
	struct login_endpoints endpoints;
	struct sv id_token = {0};
	if (who) {
		id_token = json_string_sv(json_object_get(who->claims, "id_token"));
		ret->identity = *who;
		ret->identity.claims = json_object_get(who->claims, "claims");
	}
	login_endpoints_get(login, &endpoints);
	say(ret, REASON_LOGOUT_DONE, 302,
	    way_out(s, login, sv_of(endpoints.end_session), id_token));
	login_endpoints_fini(&endpoints);
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
	enum found found = cookie_of(s->req, name, &id);
	if (found == FOUND_TWICE)
		return deny(ret, REASON_MULTIPLE_CREDENTIALS);
	if (found != FOUND_ONE || !session_place(s->ctx->tokens, s->ctx->shared, id, &place))
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

/* scheme://host:port of a URL; empty where it has none, or anything that would be more than a word in a header */
static struct sv origin_of(struct sv url)
{
	size_t scheme = sv_starts(url, SVL("https://"))  ? sizeof("https://") - 1
	                : sv_starts(url, SVL("http://")) ? sizeof("http://") - 1
	                                                 : 0;
	struct sv origin = sv_first(url, scheme + sv_find(sv_from(url, scheme), '/'));
	for (size_t i = scheme; i < origin.n; i++) {
		char lower = sv_lower_char(origin.at[i]);
		bool plain = (lower >= 'a' && lower <= 'z') || (lower >= '0' && lower <= '9');
		if (!plain && (lower == '\0' || !strchr(".-:[]_", lower)))
			return (struct sv){0};
	}
	return scheme ? origin : (struct sv){0};
}

/* Who may show our answer in a frame: the provider's own pages, which is what the frame is for. */
static struct sv framers_of(const struct signin *s, const struct login *login)
{
	struct login_endpoints endpoints;
	login_endpoints_get(login, &endpoints);
	struct sv issuer = origin_of(sv_of(login->issuer->issuer));
	struct sv out = origin_of(sv_of(endpoints.end_session));
	bool two = issuer.n > 0 && out.n > 0 && !sv_eq(issuer, out);
	struct sv first = issuer.n > 0 ? issuer : out;
	struct sv second = two ? out : (struct sv){0};
	struct sv framers = arena_printf(s->ctx->arena, "%.*s%s%.*s", SV_ARG(first), two ? " " : "",
	                                 SV_ARG(second));
	login_endpoints_fini(&endpoints);
	return framers.n ? framers : SVL("'none'");
}

static enum signin_outcome refuse_frontchannel(struct decision *ret, const char *condition,
                                               struct sv value, struct sv expected)
{
	const struct why why = {
		.condition = sv_of(condition), .value = value, .expected = expected};
	return deny_for(ret, REASON_LOGOUT_REFUSED, &why);
}

/* The provider has the browser load this in a frame. Our cookie does not come along there, so the session has to be
 * named: by iss and sid, both. source: OpenID Connect Front-Channel Logout 1.0, 2 and 3 */
static enum signin_outcome answer_frontchannel(const struct signin *s, const struct login *login,
                                               struct decision *ret)
{
	struct sv iss, sid, issuer = sv_of(login->issuer->issuer);
	struct authn_ask ask = {.kind = AUTHN_ASK_FRONTCHANNEL, .about = login};
	const struct identity *who = NULL;
	if (!sv_eq(s->req->method, SVL("GET")))
		return refuse_frontchannel(ret, "method", s->req->method, SVL("GET"));
	if (!parameter(s, SVL("iss"), &iss) || !sv_eq(iss, issuer))
		return refuse_frontchannel(ret, "iss", iss, issuer);
	if (!parameter(s, SVL("sid"), &sid) || sid.n == 0 || sid.n > SID_MAX_BYTES)
		return refuse_frontchannel(ret, "sid", (struct sv){0},
		                           SVL("one, of at most 512 bytes"));
	struct sv named = arena_printf(s->ctx->arena, "%.*s\n%.*s", SV_ARG(iss), SV_ARG(sid));
	if (named.n == 0 ||
	    !tokencache_digest_of(s->ctx->tokens, "haward front channel", named, ask.key))
		return deny(ret, REASON_INTERNAL);
	ask.parts[LOGIN_ASK_SID] = sid;
	enum signin_outcome outcome = answer_to(s, &ask, ret, &who);
	if (!who)
		return outcome;
	ret->identity = *who;
	ret->identity.claims = json_object_get(who->claims, "claims");
	say(ret, REASON_LOGOUT_DONE, 200, (struct sv){0});
	ret->verdict.frame_ancestors = framers_of(s, login);
	return SIGNIN_NOW;
}

typedef enum signin_outcome answer_fn(const struct signin *s, const struct login *login,
                                      struct decision *ret);

static answer_fn *const answers[LOGIN_PATH_COUNT] = {
	[LOGIN_CALLBACK] = answer_callback,
	[LOGIN_LOGOUT] = answer_logout,
	[LOGIN_BACKCHANNEL] = answer_backchannel,
	[LOGIN_FRONTCHANNEL] = answer_frontchannel,
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

/* in: wish: what the user has to do there; host, path, query and endpoint are filled in */
static void send_away(const struct signin *s, const struct login *login,
                      struct loginstate_wish *wish, struct decision *ret)
{
	struct loginstate_begun begun;
	struct login_endpoints endpoints;
	const struct loginstate_ctx ctx = way_of(s);
	if (!s->ctx->shared || !login_has_host(login, s->req->host) || !is_navigation(s))
		return;
	login_endpoints_get(login, &endpoints);
	wish->host = s->req->host;
	wish->path = sv_first(s->req->path, sv_find(s->req->path, '?'));
	wish->query = s->req->query;
	wish->endpoint = sv_of(endpoints.authorization);
	if (!endpoints.authorization) {
		keyslot_want(login->issuer->keys);
		(void)deny(ret, REASON_LOGIN_ENDPOINTS_UNKNOWN);
	} else if (loginstate_begin(login, &ctx, wish, &begun)) { /* a 401 otherwise */
		say(ret, ret->verdict.reason, 302, begun.location);
		ret->verdict.cookies[0] = begun.cookie;
	}
	login_endpoints_fini(&endpoints);
}

void signin_send(const struct signin *s, const struct login *login, bool over, struct decision *ret)
{
	const struct verdict_stepup *stepup = &ret->verdict.stepup;
	struct loginstate_wish wish = {0};
	if (ret->verdict.reason == REASON_AUTHENTICATION_REQUIRED &&
	    ret->identity.method == AUTH_NONE) {
		ret->verdict.reason = over ? REASON_SESSION_EXPIRED : REASON_LOGIN_REQUIRED;
		send_away(s, login, &wish, ret);
	} else if (ret->verdict.reason == REASON_STEP_UP_REQUIRED &&
	           ret->identity.method == AUTH_SESSION) {
		wish.acr = stepup->acr;
		wish.max_age_s = stepup->max_age_s;
		send_away(s, login, &wish, ret);
	}
}
