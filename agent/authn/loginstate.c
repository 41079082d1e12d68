#include "authn/loginstate.h"

#include "authn/cookie.h"
#include "core/cursor.h"
#include "core/encode.h"
#include "core/form.h"
#include "core/hash.h"
#include "core/secret.h"

enum {
	STATE_BYTES = 16,
	STATE_CHARS = 22,
	NAME_CHARS = 8, /* of the state, in the name of its cookie */
	LOCATION_MAX_BYTES = 8192,
	WANTED_HEAD_BYTES = 8,
	SEALED_MAX = LOGIN_SEED_BYTES + 8 + 2 + WANTED_HEAD_BYTES + LOGIN_ACR_MAX_BYTES +
	             LOGIN_BACK_MAX_BYTES,
};

/* ---- what follows from a seed ---- */

static bool derive(const char *purpose, const uint8_t seed[LOGIN_SEED_BYTES], struct sv more,
                   char ret[LOGIN_TEXT_BYTES])
{
	uint8_t digest[SHA256_BYTES];
	const struct sv parts[] = {sv_of(purpose), {(const char *)seed, LOGIN_SEED_BYTES}, more};
	struct sha256 *sha256 = sha256_new();
	bool good = sha256 && sha256_parts(sha256, parts, ARRAY_LEN(parts), digest);
	sha256_free(sha256);
	if (good)
		(void)base64url_encode((struct sv){(const char *)digest, sizeof(digest)}, ret);
	secret_wipe(digest, sizeof(digest));
	return good;
}

bool loginstate_nonce(const uint8_t seed[LOGIN_SEED_BYTES], char ret[LOGIN_TEXT_BYTES])
{
	return derive("haward nonce", seed, (struct sv){0}, ret);
}

bool loginstate_verifier(const uint8_t seed[LOGIN_SEED_BYTES], char ret[LOGIN_TEXT_BYTES])
{
	return derive("haward verifier", seed, (struct sv){0}, ret);
}

bool loginstate_session_id(const uint8_t seed[LOGIN_SEED_BYTES], struct sv code,
                           char ret[LOGIN_TEXT_BYTES])
{
	return derive("haward session", seed, code, ret);
}

/* ---- addresses and cookies ---- */

struct sv login_url(const struct login *login, struct arena *arena, struct sv host,
                    const char *path)
{
	const char *scheme = login->insecure_loopback ? "http" : "https";
	return arena_printf(arena, "%s://%.*s%s", scheme, SV_ARG(host), path);
}

static const char *prefix_of(const struct login *login)
{
	return login->insecure_loopback ? "" : "__Host-";
}

struct sv login_cookie_name(const struct login *login, struct arena *arena)
{
	return arena_printf(arena, "%s%s", prefix_of(login), login->session.cookie);
}

struct sv login_set_cookie(const struct login *login, struct arena *arena, struct sv name,
                           struct sv value, int64_t max_age_s)
{
	return arena_printf(arena, "%.*s=%.*s; Path=/; Max-Age=%lld; HttpOnly; SameSite=Lax%s",
	                    SV_ARG(name), SV_ARG(value), (long long)max_age_s,
	                    login->insecure_loopback ? "" : "; Secure");
}

bool login_may_return(struct sv text)
{
	if (text.n == 0 || text.n > LOGIN_BACK_MAX_BYTES || text.at[0] != '/' ||
	    (text.n > 1 && text.at[1] == '/'))
		return false;
	for (size_t i = 0; i < text.n; i++) {
		unsigned char c = (unsigned char)text.at[i];
		if (c <= 0x20 || c >= 0x7f || c == '\\' || c == '"' || c == '<' || c == '>')
			return false;
	}
	return true;
}

static struct sv back_to(struct arena *arena, const struct loginstate_wish *wish)
{
	struct sv back = wish->path;
	if (wish->query.n)
		back = arena_printf(arena, "%.*s?%.*s", SV_ARG(back), SV_ARG(wish->query));
	return login_may_return(back) ? back : SVL("/");
}

/* ---- the cookie of a state ---- */

static struct sv state_cookie_name(const struct login *login, struct arena *arena, struct sv state)
{
	return arena_printf(arena, "%s%s-login-%.*s", prefix_of(login), login->session.cookie,
	                    SV_ARG(sv_first(state, NAME_CHARS)));
}

/* What the cookie is bound to: taken to another login, host or state it does not open. */
static struct sv about(const struct login *login, struct arena *arena, struct sv host,
                       struct sv state)
{
	return arena_printf(arena, "haward login state\n%s\n%.*s\n%.*s", login->name, SV_ARG(host),
	                    SV_ARG(state));
}

static bool seal_cookie(const struct loginstate_ctx *ctx, struct sv bound, struct sv text,
                        struct sv *ret)
{
	uint8_t box[SEALED_MAX + SEAL_OVERHEAD];
	size_t n = text.n + SEAL_OVERHEAD;
	char *room = arena_alloc(ctx->arena, BASE64_ENCODED_MAX(n));
	if (!room || bound.n == 0 || !seal_close(ctx->ring, bound, text, box))
		return false;
	*ret = base64url_encode((struct sv){(const char *)box, n}, room);
	return true;
}

/* ---- how the user has to sign in: max_age (8 bytes, big endian) and acr_values, or nothing ---- */

static bool write_wanted(struct arena *arena, const struct loginstate_wish *wish, struct sv *ret)
{
	*ret = (struct sv){0};
	if (wish->acr.n == 0 && wish->max_age_s == 0)
		return true;
	size_t n = WANTED_HEAD_BYTES + wish->acr.n;
	void *room = wish->acr.n <= LOGIN_ACR_MAX_BYTES ? arena_alloc(arena, n) : NULL;
	struct outbuf b = outbuf_over(room, room ? n : 0);
	outbuf_u64be(&b, (uint64_t)wish->max_age_s);
	outbuf_put(&b, wish->acr);
	*ret = outbuf_sv(&b);
	return !b.failed;
}

bool loginstate_wanted(struct sv text, struct loginstate_wanted *ret)
{
	struct cursor c = cursor_over(text);
	struct loginstate_wanted wanted = {0};
	if (text.n > 0)
		wanted.max_age_s = (int64_t)cursor_u64be(&c);
	wanted.acr = cursor_sv(&c, cursor_left(&c));
	if (c.failed || wanted.max_age_s < 0 || wanted.acr.n > LOGIN_ACR_MAX_BYTES)
		return false;
	*ret = wanted;
	return true;
}

static bool make_cookie(const struct login *login, const struct loginstate_ctx *ctx, struct sv host,
                        const struct loginstate *way, struct sv state, struct sv *ret)
{
	uint8_t text[SEALED_MAX];
	struct outbuf b = outbuf_over(text, sizeof(text));
	struct sv value = {0};
	outbuf_bytes(&b, way->seed, sizeof(way->seed));
	outbuf_u64be(&b, (uint64_t)ctx->now_s);
	outbuf_u16be(&b, (uint16_t)way->wanted.n);
	outbuf_put(&b, way->wanted);
	outbuf_put(&b, way->back);
	bool good = !b.failed &&
	            seal_cookie(ctx, about(login, ctx->arena, host, state), outbuf_sv(&b), &value);
	secret_wipe(text, sizeof(text));
	if (!good)
		return false;
	*ret = login_set_cookie(login, ctx->arena, state_cookie_name(login, ctx->arena, state),
	                        value, LOGIN_WAY_S);
	return ret->n > 0;
}

/* ---- away ---- */

static bool challenge_of(const uint8_t seed[LOGIN_SEED_BYTES], char ret[LOGIN_TEXT_BYTES])
{
	uint8_t digest[SHA256_BYTES];
	char verifier[LOGIN_TEXT_BYTES];
	bool good = loginstate_verifier(seed, verifier) && sha256_of(sv_of(verifier), digest);
	if (good)
		(void)base64url_encode((struct sv){(const char *)digest, sizeof(digest)}, ret);
	secret_wipe(verifier, sizeof(verifier));
	return good;
}

/* source: OpenID Connect Core 1.0 3.1.2.1 */
static void add_wanted(const struct loginstate_wish *wish, struct outbuf *query)
{
	char digits[24];
	(void)snprintf(digits, sizeof(digits), "%lld", (long long)wish->max_age_s);
	if (wish->max_age_s)
		form_add(query, SVL("max_age"), sv_of(digits));
	if (wish->acr.n)
		form_add(query, SVL("acr_values"), wish->acr);
}

static bool make_location(const struct login *login, struct arena *arena,
                          const struct loginstate_wish *wish, const uint8_t seed[LOGIN_SEED_BYTES],
                          struct sv state, struct sv *ret)
{
	char challenge[LOGIN_TEXT_BYTES], nonce[LOGIN_TEXT_BYTES];
	struct sv endpoint = wish->endpoint;
	char *room = arena_alloc(arena, LOCATION_MAX_BYTES);
	struct outbuf b = outbuf_over(room, room ? LOCATION_MAX_BYTES : 0);
	if (!room || !challenge_of(seed, challenge) || !loginstate_nonce(seed, nonce))
		return false;
	outbuf_put(&b, endpoint);
	outbuf_u8(&b, sv_find(endpoint, '?') == endpoint.n ? '?' : '&');
	struct outbuf query = outbuf_over(b.at + b.n, outbuf_left(&b));
	form_add(&query, SVL("response_type"), SVL("code"));
	form_add(&query, SVL("client_id"), sv_of(login->client_id));
	form_add(&query, SVL("redirect_uri"),
	         login_url(login, arena, wish->host, login->paths[LOGIN_CALLBACK]));
	form_add(&query, SVL("scope"), sv_of(login->scope));
	form_add(&query, SVL("state"), state);
	form_add(&query, SVL("nonce"), sv_of(nonce));
	form_add(&query, SVL("code_challenge"), sv_of(challenge));
	form_add(&query, SVL("code_challenge_method"), SVL("S256"));
	add_wanted(wish, &query);
	*ret = (struct sv){room, b.n + query.n};
	return !b.failed && !query.failed;
}

bool loginstate_begin(const struct login *login, const struct loginstate_ctx *ctx,
                      const struct loginstate_wish *wish, struct loginstate_begun *ret)
{
	uint8_t bytes[STATE_BYTES];
	char text[BASE64_ENCODED_MAX(STATE_BYTES)];
	struct loginstate way = {.back = back_to(ctx->arena, wish)};
	struct loginstate_begun begun;
	if (!write_wanted(ctx->arena, wish, &way.wanted) || !secret_random(bytes, sizeof(bytes)) ||
	    !secret_random(way.seed, sizeof(way.seed)))
		return false;
	struct sv state = base64url_encode((struct sv){(const char *)bytes, sizeof(bytes)}, text);
	bool good = make_location(login, ctx->arena, wish, way.seed, state, &begun.location) &&
	            make_cookie(login, ctx, wish->host, &way, state, &begun.cookie);
	secret_wipe(way.seed, sizeof(way.seed));
	if (good)
		*ret = begun;
	return good;
}

/* ---- and back ---- */

static bool read_way(struct sv text, int64_t now_s, struct arena *arena, struct loginstate *ret)
{
	struct cursor c = cursor_over(text);
	struct sv seed = cursor_sv(&c, LOGIN_SEED_BYTES);
	int64_t sent_at = (int64_t)cursor_u64be(&c);
	struct sv wanted = cursor_sv(&c, cursor_u16be(&c));
	struct sv back = cursor_sv(&c, cursor_left(&c));
	if (c.failed || now_s < sent_at || now_s - sent_at >= LOGIN_WAY_S ||
	    !login_may_return(back) || !arena_dup(arena, back, &ret->back) ||
	    !arena_dup(arena, wanted, &ret->wanted))
		return false;
	memcpy(ret->seed, seed.at, seed.n);
	return true;
}

static bool open_cookie(const struct loginstate_ctx *ctx, struct sv value, struct sv bound,
                        struct loginstate *ret)
{
	uint8_t box[BASE64_DECODED_MAX(BASE64_ENCODED_MAX(SEALED_MAX + SEAL_OVERHEAD))];
	uint8_t text[SEALED_MAX];
	size_t n;
	if (value.n >= BASE64_ENCODED_MAX(SEALED_MAX + SEAL_OVERHEAD) || bound.n == 0 ||
	    !base64url_decode(value, box, &n) || n < SEAL_OVERHEAD ||
	    n - SEAL_OVERHEAD > sizeof(text) ||
	    !seal_open(ctx->ring, bound, (struct sv){(const char *)box, n}, text))
		return false;
	bool good = read_way((struct sv){(const char *)text, n - SEAL_OVERHEAD}, ctx->now_s,
	                     ctx->arena, ret);
	secret_wipe(text, sizeof(text));
	return good;
}

bool loginstate_resume(const struct login *login, const struct loginstate_ctx *ctx, struct sv host,
                       struct sv cookies, struct sv state, struct loginstate *ret)
{
	uint8_t bytes[BASE64_DECODED_MAX(STATE_CHARS)];
	size_t n;
	struct sv value;
	struct loginstate way;
	if (state.n != STATE_CHARS || !base64url_decode(state, bytes, &n))
		return false;
	struct sv name = state_cookie_name(login, ctx->arena, state);
	if (name.n == 0 || cookie_find(cookies, name, &value) != FOUND_ONE ||
	    !open_cookie(ctx, value, about(login, ctx->arena, host, state), &way))
		return false;
	way.forget = login_set_cookie(login, ctx->arena, name, (struct sv){0}, 0);
	if (way.forget.n == 0)
		return false;
	*ret = way;
	secret_wipe(way.seed, sizeof(way.seed));
	return true;
}
