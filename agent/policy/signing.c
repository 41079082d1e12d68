#include "policy/signing.h"

#include "authn/mintkeys.h"
#include "core/secret.h"
#include "state/signing.h"

#include <errno.h>

/* When each key signs from. */
struct times {
	size_t n;
	int64_t from_s[MINTKEYS_MAX];
};

static int note_time(void *user, const struct state_signing_key *key)
{
	struct times *times = user;
	if (times->n == MINTKEYS_MAX)
		return -ENOSPC;
	times->from_s[times->n++] = key->from_s;
	return 0;
}

/* out: ret_kid: may be NULL */
static int add_key(struct state *state, int64_t from_s, char *ret_kid)
{
	struct mintkey_texts texts;
	int r = mintkey_make(&texts) ? 0 : -EIO;
	const struct state_signing_key key = {.from_s = from_s,
	                                      .kid = sv_of(texts.kid),
	                                      .pem = sv_of(texts.pem),
	                                      .jwk = sv_of(texts.jwk)};
	if (r == 0)
		r = state_signing_add(state, &key);
	if (r == 0 && ret_kid)
		memcpy(ret_kid, texts.kid, sizeof(texts.kid));
	secret_wipe(&texts, sizeof(texts));
	return r;
}

static int make_key(struct state *state, int64_t from_s)
{
	int r = add_key(state, from_s, NULL);
	return r == -EEXIST ? 0 : r; /* another was as fast: then that one will sign */
}

static int make_due(struct state *state, const struct times *times, int64_t rotate_s, int64_t now_s)
{
	int64_t lead_s = rotate_s / 4 < SIGNING_LEAD_S ? rotate_s / 4 : SIGNING_LEAD_S;
	if (times->n == 0)
		return make_key(state, now_s);
	if (now_s < times->from_s[times->n - 1] + rotate_s - lead_s)
		return 0;
	return make_key(state, now_s + lead_s);
}

int policy_signing_rotate(struct state *state, int64_t rotate_s, int64_t now_s)
{
	struct times times = {0};
	int r = state_signing_list(state, note_time, &times);
	for (size_t i = 0; r == 0 && i + 1 < times.n; i++)
		if (times.from_s[i + 1] + SIGNING_REST_S < now_s)
			r = state_signing_remove(state, times.from_s[i]);
	return r == 0 ? make_due(state, &times, rotate_s, now_s) : r;
}

int policy_signing_add(struct state *state, int64_t from_s, char ret_kid[static MINTKEY_KID_BYTES])
{
	struct times times = {0};
	int r = state_signing_list(state, note_time, &times);
	if (r == 0 && times.n == MINTKEYS_MAX)
		r = -ENOSPC;
	return r == 0 ? add_key(state, from_s, ret_kid) : r;
}

/* The key that is dropped, and whether another signs now. */
struct dropping {
	struct sv kid;
	int64_t now_s, from_s;
	bool is_found, is_signed;
};

static int look(void *user, const struct state_signing_key *key)
{
	struct dropping *d = user;
	if (sv_eq(key->kid, d->kid)) {
		d->is_found = true;
		d->from_s = key->from_s;
	} else if (key->from_s <= d->now_s) {
		d->is_signed = true;
	}
	return 0;
}

int policy_signing_drop(struct state *state, struct sv kid, int64_t now_s)
{
	struct dropping d = {.kid = kid, .now_s = now_s};
	int r = state_signing_list(state, look, &d);
	if (r == 0 && !d.is_found)
		r = -ENOENT;
	if (r == 0 && !d.is_signed && d.from_s != now_s)
		r = make_key(state, now_s); /* first: at no moment is there none */
	if (r == 0)
		r = state_signing_remove(state, d.from_s);
	if (r == 0 && !d.is_signed && d.from_s == now_s)
		r = make_key(state, now_s);
	return r;
}

static int add(void *user, const struct state_signing_key *key)
{
	return mintkeys_add(user, key->kid, key->pem, key->from_s);
}

int policy_signing_build(const struct policy_tables_env *env, const struct shared *before,
                         struct shared **ret)
{
	struct mintkeys *set = NULL;
	(void)before;
	int r = mintkeys_new(sv_of(env->token_issuer ? env->token_issuer : ""), &set);
	if (r == 0)
		r = state_signing_list(env->state, add, set);
	if (r == 0)
		*ret = &set->shared;
	else
		mintkeys_unref(set);
	return r;
}
