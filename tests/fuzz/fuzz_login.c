/* What comes back from a provider, through the browser and from the token endpoint: states and cookies that we did not
 * seal open nothing, an address to go back to is of the same host, an answer is whole or none. */
#include "authn/grant.h"
#include "authn/loginstate.h"
#include "core/limits.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static char name[] = "web", host_name[] = "app.example", cookie_name[] = "haward",
	    endpoint[] = "https://idp/a", client[] = "c", scope[] = "openid",
	    callback[] = "/.haward/callback", *hosts[] = {host_name};

static const struct login login = {.name = name,
                                   .hosts = {hosts, 1},
                                   .client_id = client,
                                   .authorization_endpoint = endpoint,
                                   .scope = scope,
                                   .paths = {[LOGIN_CALLBACK] = callback},
                                   .session = {.cookie = cookie_name}};

/* source: WHATWG URL 4.4: what a browser makes of a path in Location; only a second slash or backslash leaves the host */
static void check_back(struct sv back)
{
	must(back.n > 0 && back.at[0] == '/');
	must(back.n == 1 || (back.at[1] != '/' && back.at[1] != '\\'));
	for (size_t i = 0; i < back.n; i++)
		must((unsigned char)back.at[i] > 0x20 && (unsigned char)back.at[i] < 0x7f);
}

/* A strange cookie opens nothing, and one of ours comes back as it went. */
static void check_way(const struct loginstate_ctx *ctx, struct sv text)
{
	static const struct sv host = SV("app.example");
	size_t cut = sv_find(text, '\n');
	struct sv first = sv_first(text, cut), rest = sv_from(text, cut + 1);
	struct loginstate way;
	must(!loginstate_resume(&login, ctx, host, rest, first, &way));
	struct loginstate_begun begun;
	const struct loginstate_wish wish = {.host = host,
	                                     .path = first,
	                                     .query = rest,
	                                     .endpoint = sv_of(endpoint),
	                                     .acr = sv_first(rest, LOGIN_ACR_MAX_BYTES),
	                                     .max_age_s = (int64_t)cut};
	if (!loginstate_begin(&login, ctx, &wish, &begun))
		return; /* the arena is full */
	struct sv state = sv_from(begun.cookie, sizeof("__Host-haward-login-") - 1);
	must(sv_starts(begun.cookie, SVL("__Host-haward-login-")));
	for (size_t i = 0; i < begun.location.n; i++)
		must((unsigned char)begun.location.at[i] > 0x20 &&
		     (unsigned char)begun.location.at[i] < 0x7f);
	const char *at = memmem(begun.location.at, begun.location.n, "&state=", 7);
	must(at && memcmp(at + 7, state.at, 8) == 0);
	struct sv cookie = sv_first(begun.cookie, sv_find(begun.cookie, ';'));
	must(loginstate_resume(&login, ctx, host, cookie, (struct sv){at + 7, 22}, &way));
	check_back(way.back);
	struct loginstate_wanted wanted;
	must(loginstate_wanted(way.wanted, &wanted));
	must(wanted.max_age_s == wish.max_age_s && sv_eq(wanted.acr, wish.acr));
}

static void check_grant(struct sv body)
{
	struct grant grant = {0};
	enum grant_outcome outcome = grant_read(200, body, &grant);
	must((outcome == GRANT_GIVEN) == (grant.document != NULL));
	must(outcome != GRANT_GIVEN || (grant.access_token.n > 0 && grant.expires_in_s >= 0));
	json_decref(grant.document);
	must(grant_read(400, body, &grant) != GRANT_GIVEN);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct seal_ring ring;
	static struct arena arena;
	const struct seal_key key = {.made_at_s = 1, .bytes = "of the fuzzer"};
	struct sv text = {(const char *)data, size};
	uint8_t open[4096];
	if (!arena.memory) {
		seal_ring_add(&ring, 1, &key);
		must(arena_init(&arena, REQUEST_ARENA_BYTES) == 0);
	}
	const struct loginstate_ctx ctx = {&ring, &arena, 1000};
	arena_reset(&arena);
	check_way(&ctx, text);
	if (login_may_return(text))
		check_back(text);
	struct loginstate_wanted wanted;
	must(!loginstate_wanted(text, &wanted) || wanted.acr.n < text.n || text.n == 0);
	must(size > sizeof(open) || !seal_open(&ring, SVL("fuzz"), text, open));
	check_grant(text);
	return 0;
}
