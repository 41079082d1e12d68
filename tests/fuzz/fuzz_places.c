/* A credential is a piece of what the request holds, found where it may stand, or the request is refused; and a
 * discovery document is the issuer's own or none. Input: the first byte says how the rest is cut. */
#include "authn/credential.h"
#include "authn/discovery.h"
#include "core/jsonload.h"
#include "core/limits.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct credential_rules *rules(void)
{
	static struct credential_rules all;
	static char param[] = "t", cookie[] = "c";
	static char *params[] = {param}, *cookies[] = {cookie};
	if (all.places.n)
		return &all;
	json_t *headers = json_loads("[{\"name\":\"x\",\"prefix\":\"P \"},{\"name\":\"y\"},"
	                             "{\"name\":\"authorization\",\"prefix\":\"T \"}]",
	                             0, NULL);
	const struct place_words words = {headers, {params, 1}, {cookies, 1}};
	uint32_t bits;
	HOLDS(places_init(&all.places) == 0);
	HOLDS(places_read(&words, "", NULL, &all.places, &bits) == 0);
	json_decref(headers);
	return &all;
}

static bool is_within(struct sv part, struct sv whole)
{
	return part.at >= whole.at && part.at + part.n <= whole.at + whole.n;
}

static void look(struct sv bytes, unsigned how, struct arena *arena)
{
	struct request req = {.cert_verify = -1};
	struct credential credential;
	enum reason why = REASON_INTERNAL;
	struct sv *const into[] = {&req.authorization, &req.headers, &req.query, &req.cookie};
	*into[how % ARRAY_LEN(into)] = bytes;
	req.n_authorization = how % ARRAY_LEN(into) == 0;
	bool good = credential_find(rules(), &req, arena, &credential, &why);
	HOLDS(good == (why == REASON_INTERNAL));
	if (!good || credential.kind == CREDENTIAL_NONE)
		return;
	HOLDS(credential.text.n > 0 && credential.text.n <= bytes.n);
	HOLDS(credential.kind != CREDENTIAL_BEARER || credential.places);
	HOLDS(how % ARRAY_LEN(into) == 2 || is_within(credential.text, bytes));
}

static void discover(struct sv text)
{
	static const char issuer[] = "https://idp.example";
	struct discovery document = {0};
	struct diag d = diag_over("fuzz", text);
	int r = discovery_read(text, issuer, &d, &document);
	HOLDS((r == 0) == (document.jwks_uri != NULL) && (r == 0) == (d.n == 0));
	if (r == 0)
		HOLDS(strncmp(document.jwks_uri, "http", 4) == 0);
	discovery_fini(&document);
	diag_fini(&d);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct arena arena;
	if (!arena.memory)
		HOLDS(arena_init(&arena, REQUEST_ARENA_BYTES) == 0);
	if (size == 0)
		return 0;
	struct sv bytes = {(const char *)data + 1, size - 1};
	arena_reset(&arena);
	if (data[0] % 5 == 4)
		discover(bytes);
	else
		look(bytes, data[0] % 5, &arena);
	return 0;
}
