#include "policy/apikeys.h"

#include "authn/apikeys.h"
#include "core/fileio.h"
#include "core/secret.h"
#include "state/pepper.h"

#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static_assert((int)APIKEY_TEXT_ID_CHARS == (int)APIKEY_ID_CHARS,
              "what is kept is what is looked up");
static_assert((int)SHA256_BYTES == (int)APIKEY_MAC_BYTES, "what is kept is what is compared");
static_assert((int)APIKEY_PEPPER_BYTES == (int)PEPPER_BYTES, "what is kept is what is used");

enum { SECOND_US = 1000000, USES_A_BATCH = 1024 };

static int pepper_path(const struct policy_tables_env *env, char path[static PATH_MAX])
{
	int n = snprintf(path, PATH_MAX, "%s/" PEPPER_FILE, env->data_dir);
	return n < 0 || n >= PATH_MAX ? -ENAMETOOLONG : 0;
}

/* ---- the table ---- */

struct building {
	const uint8_t *pepper;
	bool has_pepper;
	const struct apikeys *before;
	struct apikeys *table; /* owned */
};

static int begin(void *user, size_t n)
{
	struct building *b = user;
	/* without a pepper no key can have been given out */
	if (n > 0 && !b->has_pepper)
		return -ENOKEY;
	return apikeys_new(b->pepper, n, &b->table);
}

/* A key ends at its second: rounded down, so never late. */
static int64_t second_of(int64_t us)
{
	return us ? MAX_OF(us / SECOND_US, INT64_C(1)) : 0;
}

/* A use that was marked and not noted yet must outlive the table. */
static void inherit_use(const struct building *b, const struct state_apikey *key)
{
	apikeys_place old = b->before ? apikeys_find(b->before, key->id) : APIKEYS_NONE;
	if (old == APIKEYS_NONE)
		return;
	int64_t day = apikeys_used_day(b->before, old);
	if (day > key->used_day)
		apikeys_mark_used(b->table, apikeys_find(b->table, key->id), day);
}

static int add(void *user, const struct state_apikey *key)
{
	struct building *b = user;
	const struct apikey row = {.id = key->id,
	                           .mac = key->mac,
	                           .owner = key->owner,
	                           .client = key->client,
	                           .groups = key->groups,
	                           .scopes = key->scopes,
	                           .services = key->services,
	                           .networks = key->networks,
	                           .ends_s = second_of(key->expires_us),
	                           .is_revoked = key->revoked_us != 0,
	                           .is_disabled = key->disabled_us != 0,
	                           .used_day = key->used_day};
	int r = apikeys_add(b->table, &row);
	if (r == 0)
		inherit_use(b, key);
	return r;
}

static int build(struct building *b, const struct state *state, struct shared **ret)
{
	const struct state_apikey_walk walk = {.begin = begin, .visit = add, .user = b};
	int r = state_apikey_each(state, &walk);
	if (r == 0) {
		apikeys_trim(b->table);
		*ret = apikeys_shared(b->table);
	} else if (b->table) {
		shared_unref(apikeys_shared(b->table));
	}
	return r;
}

int policy_apikeys_build(const struct policy_tables_env *env, const struct shared *before,
                         struct shared **ret)
{
	char path[PATH_MAX];
	uint8_t pepper[PEPPER_BYTES] = {0};
	struct building b = {.pepper = pepper, .before = apikeys_of(before)};
	int r = pepper_path(env, path);
	if (r == 0)
		r = state_pepper_read(env->state, path, pepper);
	b.has_pepper = r == 0;
	if (r == 0 || r == -ENODATA)
		r = build(&b, env->state, ret);
	secret_wipe(pepper, sizeof(pepper));
	return r;
}

/* ---- giving out ---- */

/* A fresh key and what is kept of its secret. */
static int make_key(const struct policy_tables_env *env, char text[static APIKEY_TEXT_BYTES],
                    uint8_t mac[static SHA256_BYTES])
{
	char path[PATH_MAX];
	uint8_t pepper[PEPPER_BYTES];
	int r = pepper_path(env, path);
	if (r == 0)
		r = state_pepper_make(env->state, path, pepper);
	if (r == 0 && (!apikey_text_make(text) ||
	               !apikey_text_mac(pepper, (struct sv){text, APIKEY_TEXT_CHARS}, mac)))
		r = -EIO;
	secret_wipe(pepper, sizeof(pepper));
	return r;
}

static struct sv id_of(const char *text)
{
	struct sv id = {0};
	return apikey_text_id((struct sv){text, APIKEY_TEXT_CHARS}, &id) ? id : (struct sv){0};
}

int policy_apikey_create(const struct policy_tables_env *env, const struct state_apikey *wish,
                         char text[static APIKEY_TEXT_BYTES], struct state_apikey *ret)
{
	uint8_t mac[SHA256_BYTES];
	if (state_apikey_fault(wish))
		return -EINVAL;
	int r = make_key(env, text, mac);
	struct state_apikey key = *wish;
	key.id = r == 0 ? id_of(text) : (struct sv){0};
	key.mac = (struct sv){(const char *)mac, sizeof(mac)};
	if (r == 0)
		r = state_apikey_add(env->state, &key);
	if (r == 0)
		r = state_apikey_get(env->state, key.id, ret);
	if (r != 0)
		secret_wipe(text, APIKEY_TEXT_BYTES);
	return r;
}

int policy_apikey_rotate(const struct policy_tables_env *env, struct sv id,
                         const struct state_apikey_rotation *how,
                         char text[static APIKEY_TEXT_BYTES], struct state_apikey *ret)
{
	uint8_t mac[SHA256_BYTES];
	struct state_apikey_rotation rotation = *how;
	int r = make_key(env, text, mac);
	rotation.id = r == 0 ? id_of(text) : (struct sv){0};
	rotation.mac = (struct sv){(const char *)mac, sizeof(mac)};
	if (r == 0)
		r = state_apikey_rotate(env->state, id, &rotation, ret);
	if (r != 0)
		secret_wipe(text, APIKEY_TEXT_BYTES);
	return r;
}

/* ---- use ---- */

struct batch {
	size_t n;
	struct state_apikey_use uses[USES_A_BATCH];
	apikeys_place places[USES_A_BATCH];
};

static int note_batch(struct state *state, const struct apikeys *table, struct batch *batch)
{
	int r = state_apikeys_used(state, batch->uses, batch->n);
	for (size_t i = 0; r == 0 && i < batch->n; i++)
		apikeys_note(table, batch->places[i], batch->uses[i].day);
	batch->n = 0;
	return r;
}

int policy_apikeys_note_used(const struct policy_tables_env *env, const struct shared *shared)
{
	const struct apikeys *table = apikeys_of(shared);
	if (!table || apikeys_count(table) == 0)
		return 0;
	CLEANUP(freep) struct batch *batch = calloc(1, sizeof(*batch));
	int r = batch ? 0 : -ENOMEM;
	for (apikeys_place i = 0; r == 0 && (size_t)i < apikeys_count(table); i++) {
		struct apikey key;
		int64_t day = apikeys_unnoted_day(table, i);
		if (day == 0)
			continue;
		apikeys_at(table, i, &key);
		memcpy(batch->uses[batch->n].id, key.id.at, APIKEY_ID_CHARS);
		batch->uses[batch->n].day = day;
		batch->places[batch->n++] = i;
		if (batch->n == USES_A_BATCH)
			r = note_batch(env->state, table, batch);
	}
	return r == 0 ? note_batch(env->state, table, batch) : r;
}

/* ---- words ---- */

const char *policy_apikey_error_text(int error)
{
	static const struct {
		int error;
		const char *text;
	} texts[] = {
		{ENOKEY,
	         "the file " PEPPER_FILE " is gone from the data directory; without it no API "
	         "key can be checked or made: put it back from the backup"},
		{EKEYREJECTED,
	         "the file " PEPPER_FILE " in the data directory is not the one that the "
	         "API keys were made with"},
		{EKEYREVOKED, "the key was revoked"},
		{EKEYEXPIRED, "the key has expired"},
		{EALREADY, "the key was rotated before: rotate the one that came in its place"},
	};
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].error == -error)
			return texts[i].text;
	return NULL;
}
