/* A token is refused or it is one that was signed here; a changed byte never makes it another user's. The first
 * byte chooses: raw bytes as a token; or as header and payload, split at the first NUL, which get a good signature
 * so that what is behind the check is reached too. */
#include "authn/authn.h"
#include "authn/tokencache.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/request.h"

#include <openssl/hmac.h>
#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { NOW = 1000000, PART_MAX = 4096 };
static const char secret[] = "0123456789abcdef0123456789abcdef";

static struct authn *compile(void)
{
	static char path[] = "/tmp/haward-fuzz-secret-XXXXXX";
	char text[256];
	int fd = mkstemp(path);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	HOLDS(file && fputs(secret, file) >= 0 && fclose(file) == 0);
	int n = snprintf(text, sizeof(text),
	                 "[{\"issuer\":\"i\",\"secretFile\":\"%s\",\"algorithms\":[\"HS256\"]}]",
	                 path);
	struct diag d = diag_over("fuzz", (struct sv){text, (size_t)n});
	json_t *issuers = json_load_strict((struct sv){text, (size_t)n}, 0, &d);
	struct authn *authn = NULL;
	HOLDS(authn_compile(&(struct authn_document){.issuers = issuers}, NULL, &d, &authn) == 0);
	json_decref(issuers);
	diag_fini(&d);
	HOLDS(remove(path) == 0);
	return authn;
}

static size_t encode(struct sv bytes, char *to)
{
	return base64url_encode(bytes, to).n;
}

/* header NUL payload -> a token with a good signature */
static struct sv sign(struct sv parts, char *to)
{
	struct sv header = sv_first(parts, MIN_OF(sv_find(parts, '\0'), (size_t)PART_MAX));
	struct sv payload = sv_first(sv_from(parts, header.n + 1), PART_MAX);
	uint8_t mac[32];
	unsigned n_mac = 0;
	size_t n = encode(header, to);
	to[n++] = '.';
	n += encode(payload, to + n);
	HOLDS(HMAC(EVP_sha256(), secret, (int)sizeof(secret) - 1, (unsigned char *)to, n, mac,
	           &n_mac));
	to[n++] = '.';
	n += encode((struct sv){(char *)mac, n_mac}, to + n);
	return (struct sv){to, n};
}

/* What an identity promises, whatever the claims were. */
static void check(const struct identity *who)
{
	HOLDS(who->method == AUTH_JWT && sv_eq(who->issuer, SVL("i")));
	HOLDS(json_is_object(who->claims) && who->expires_at > NOW);
	for (size_t i = 0; i < who->user.n; i++)
		HOLDS((unsigned char)who->user.at[i] >= 0x20 && who->user.at[i] != 0x7f);
	for (size_t i = 0; i < who->n_scopes; i++)
		HOLDS(who->scopes[i].n > 0 && sv_find(who->scopes[i], ' ') == who->scopes[i].n);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct authn *authn;
	static struct tokencache *cache;
	static struct arena arena;
	static char made[4 * PART_MAX];
	if (!authn) {
		authn = compile();
		cache = tokencache_new(16);
		HOLDS(cache && arena_init(&arena, REQUEST_ARENA_BYTES) == 0);
	}
	struct sv input = {(const char *)data, size};
	bool is_signed = size > 0 && data[0] == 'S';
	struct sv token = is_signed ? sign(sv_from(input, 1), made) : sv_from(input, 1);
	struct identity who;
	enum reason why = REASON_INTERNAL, again = REASON_INTERNAL;
	arena_reset(&arena);
	const struct authn_ctx ctx = {.cache = cache, .arena = &arena, .now_s = NOW};
	bool good = authn_verify_token(authn, &ctx, token, &who, &why) == AUTHN_OK;
	if (good)
		check(&who);
	else
		HOLDS(why != REASON_INTERNAL);
	HOLDS(!good || is_signed);
	arena_reset(&arena);
	HOLDS((authn_verify_token(authn, &ctx, token, &who, &again) == AUTHN_OK) == good);
	HOLDS(again == why);
	return 0;
}
