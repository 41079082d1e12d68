/* Any bytes as an API key: no key, or one whose parts are where they stand; and never the one that was given out,
 * unless it is that to the byte. */
#include "authn/apikeys.h"
#include "authn/authn.h"
#include "core/limits.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

static const uint8_t pepper[APIKEY_PEPPER_BYTES] = {1};
static const struct sv given_out =
	SV("hw_0123456789ABCDEF_0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefg3l0HAZ");

struct desk {
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	struct apikeys *table;
};

static void desk_init(struct desk *desk)
{
	static const struct authn_document document;
	struct apikey row = {.owner = SV("anna"), .scopes = SV("a\nb")};
	uint8_t mac[SHA256_BYTES];
	HOLDS(apikey_text_id(given_out, &row.id) && apikey_text_check(given_out));
	HOLDS(apikey_text_mac(pepper, given_out, mac));
	row.mac = (struct sv){(const char *)mac, sizeof(mac)};
	HOLDS(apikeys_new(pepper, 1, &desk->table) == 0);
	HOLDS(apikeys_add(desk->table, &row) == 0);
	HOLDS(authn_compile(&document, NULL, NULL, &desk->authn) == 0);
	HOLDS(arena_init(&desk->arena, REQUEST_ARENA_BYTES) == 0);
	desk->cache = tokencache_new(16);
	HOLDS(desk->cache);
}

static void check_text(struct sv text)
{
	struct sv id;
	if (!apikey_text_id(text, &id))
		return;
	HOLDS(text.n == APIKEY_TEXT_CHARS && id.at == text.at + 3);
	HOLDS(id.n == APIKEY_TEXT_ID_CHARS && apikey_text_begins(text));
	if (!apikey_text_check(text))
		return;
	char other[APIKEY_TEXT_CHARS];
	memcpy(other, text.at, text.n);
	other[20] = other[20] == 'x' ? 'y' : 'x'; /* one character of the secret */
	HOLDS(!apikey_text_check((struct sv){other, sizeof(other)}));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct desk desk;
	if (!desk.authn)
		desk_init(&desk);
	struct sv text = {(const char *)data, size};
	const struct request req = {.n_api_key = 1, .api_key = text, .cert_verify = -1};
	const struct authn_ctx ctx = {.cache = desk.cache,
	                              .arena = &desk.arena,
	                              .now_s = 1790000000,
	                              .apikeys = apikeys_shared(desk.table)};
	enum reason why = REASON_INTERNAL;
	struct identity who;
	arena_reset(&desk.arena);
	check_text(text);
	for (int i = 0; i < 2; i++) { /* the second time from the cache, if there is anything */
		bool good = authn_identify(desk.authn, &ctx, &req, &who, &why) == AUTHN_OK;
		HOLDS(good == sv_eq(text, given_out));
		HOLDS(good || why == REASON_API_KEY_MALFORMED || why == REASON_API_KEY_UNKNOWN);
	}
	return 0;
}
