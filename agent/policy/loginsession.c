#include "policy/loginsession.h"

#include "authn/grant.h"
#include "authn/login.h"
#include "authn/session.h"
#include "core/jsonload.h"
#include "core/secret.h"
#include "state/logins.h"

#include <errno.h>
#include <stdlib.h>

enum { REFRESH_LEAST_S = 30, TOUCH_PARTS = 8 };

void login_kept_fini(struct login_kept *kept)
{
	json_decref(kept->document);
	*kept = (struct login_kept){0};
}

int64_t login_refresh_at(const struct grant *grant, int64_t now_s)
{
	if (grant->refresh_token.n == 0 || grant->expires_in_s == 0)
		return 0;
	int64_t margin = grant->expires_in_s / 5;
	return now_s + MAX_OF(grant->expires_in_s - margin, (int64_t)REFRESH_LEAST_S);
}

/* The views of a document that is whole. */
static bool read_document(struct login_kept *kept)
{
	const json_t *d = kept->document;
	kept->claims = json_object_get(d, "claims");
	kept->id_token = json_string_sv(json_object_get(d, "id_token"));
	kept->refresh_token = json_string_sv(json_object_get(d, "refresh_token"));
	kept->last_at = json_integer_value(json_object_get(d, "last_at"));
	kept->refresh_at = json_integer_value(json_object_get(d, "refresh_at"));
	return json_is_object(kept->claims) && kept->last_at > 0;
}

/* Takes the text's document over, sealed anew. */
static int write_document(struct policy_logins *logins, const struct login_kept *kept,
                          struct state_login *login, const struct state_login_once *once,
                          int64_t now_s)
{
	char *text = json_dumps(kept->document, JSON_COMPACT);
	if (!text)
		return -ENOMEM;
	login->ends_at = kept->ends_at;
	login->text = sv_of(text);
	memcpy(login->digest, kept->digest, sizeof(login->digest));
	const struct seal_ring *ring = &logins->shared->ring;
	int r = once ? state_login_add(logins->state, ring, login, once, now_s)
	             : state_login_update(logins->state, ring, login);
	secret_wipe(text, strlen(text));
	free(text);
	return r;
}

static int64_t idle_end(const struct login *login, const struct login_kept *kept, int64_t now_s)
{
	return MIN_OF(now_s + login->session.idle_s, kept->last_at);
}

static json_t *text_or_null(struct sv text)
{
	return text.n ? json_stringn(text.at, text.n) : json_null();
}

static bool make_document(const struct login *login, const struct grant *grant, json_t *claims,
                          int64_t now_s, struct login_kept *kept)
{
	/* policies ask for scopes as they do of access tokens */
	if (grant->scope.n && !json_object_get(claims, "scope") &&
	    json_object_set_new(claims, "scope", text_or_null(grant->scope)) != 0)
		return false;
	kept->document = json_pack("{s:s, s:O, s:o, s:o, s:I, s:I, s:I, s:I}", "login", login->name,
	                           "claims", claims, "id_token", text_or_null(grant->id_token),
	                           "refresh_token", text_or_null(grant->refresh_token), "last_at",
	                           (json_int_t)(now_s + login->session.lifetime_s), "refresh_at",
	                           (json_int_t)login_refresh_at(grant, now_s), "created_at",
	                           (json_int_t)now_s, "used_at", (json_int_t)now_s);
	return kept->document && read_document(kept);
}

static bool once_of(struct sv seed, int64_t now_s, struct state_login_once *ret)
{
	const struct sv parts[] = {SV("haward once"), seed};
	struct sha256 *sha256 = sha256_new();
	bool good = sha256 && sha256_parts(sha256, parts, ARRAY_LEN(parts), ret->digest);
	sha256_free(sha256);
	ret->until_s = now_s + 2 * 600; /* the state itself is good for LOGIN_WAY_S */
	return good;
}

int login_state_used(struct policy_logins *logins, struct sv seed)
{
	struct state_login_once once;
	return once_of(seed, 0, &once) ? state_login_used(logins->state, once.digest) : -EIO;
}

void login_state_use_up(struct policy_logins *logins, struct sv seed, int64_t now_s)
{
	struct state_login_once once;
	if (once_of(seed, now_s, &once))
		(void)!state_login_use_up(logins->state, &once, now_s);
}

int login_kept_add(struct policy_logins *logins, const struct policy_ask *ask,
                   const struct grant *grant, json_t *claims, int64_t now_s, struct login_kept *ret)
{
	const struct login *login = ask->asked.about;
	CLEANUP(login_kept_fini) struct login_kept kept = {0};
	struct state_login_once once;
	bool good = make_document(login, grant, claims, now_s, &kept) &&
	            once_of(ask->asked.parts[LOGIN_ASK_SEED], now_s, &once) &&
	            ask->asked.parts[LOGIN_ASK_DIGEST].n == SHA256_BYTES;
	json_decref(claims);
	if (!good)
		return -ENOMEM;
	memcpy(kept.digest, ask->asked.parts[LOGIN_ASK_DIGEST].at, SHA256_BYTES);
	kept.ends_at = idle_end(login, &kept, now_s);
	struct state_login record = {.issuer = sv_of(login->issuer->issuer),
	                             .subject = json_string_sv(json_object_get(kept.claims, "sub")),
	                             .sid = json_string_sv(json_object_get(kept.claims, "sid"))};
	int r = write_document(logins, &kept, &record, &once, now_s);
	if (r == 0) {
		*ret = kept;
		kept.document = NULL;
	}
	return r;
}

int login_kept_get(struct policy_logins *logins, const struct login *login, struct sv digest,
                   int64_t now_s, struct login_kept *ret)
{
	CLEANUP(state_login_found_fini) struct state_login_found found = {0};
	CLEANUP(login_kept_fini) struct login_kept kept = {0};
	if (digest.n != SHA256_BYTES)
		return -EINVAL;
	memcpy(kept.digest, digest.at, SHA256_BYTES);
	int r = state_login_get(logins->state, &logins->shared->ring, kept.digest, now_s, &found);
	if (r != 0)
		return r == -EBADMSG ? -ENOENT : r; /* its key is gone, and with it the session */
	kept.document = json_loadb(found.text, found.n, 0, NULL);
	kept.ends_at = found.ends_at;
	if (!kept.document || !read_document(&kept))
		return -ENOENT;
	struct sv name = json_string_sv(json_object_get(kept.document, "login"));
	struct sv iss = json_string_sv(json_object_get(kept.claims, "iss"));
	/* one login's cookie is nothing to another, whatever became of its name */
	if (!sv_eq(name, sv_of(login->name)) || !sv_eq(iss, sv_of(login->issuer->issuer)) ||
	    kept.last_at <= now_s)
		return -ENOENT;
	*ret = kept;
	kept.document = NULL;
	return 0;
}

static bool set(json_t *document, const char *name, json_t *value)
{
	return json_object_set_new(document, name, value) == 0;
}

int login_kept_touch(struct policy_logins *logins, const struct login *login,
                     struct login_kept *kept, int64_t now_s)
{
	struct state_login record = {0};
	int64_t ends_at = idle_end(login, kept, now_s);
	if (ends_at - kept->ends_at < login->session.idle_s / TOUCH_PARTS)
		return 0;
	if (!set(kept->document, "used_at", json_integer(now_s)))
		return -ENOMEM;
	kept->ends_at = ends_at;
	return write_document(logins, kept, &record, NULL, now_s);
}

int login_kept_renew(struct policy_logins *logins, struct login_kept *kept,
                     const struct grant *grant, json_t *claims, int64_t refresh_at)
{
	struct state_login record = {0};
	json_t *d = kept->document;
	bool good = set(d, "refresh_at", json_integer(refresh_at));
	if (grant && grant->refresh_token.n)
		good = good && set(d, "refresh_token", text_or_null(grant->refresh_token));
	if (claims) {
		const json_t *scope = json_object_get(kept->claims, "scope");
		if (grant->scope.n)
			good = good && set(claims, "scope", text_or_null(grant->scope));
		else if (scope && !json_object_get(claims, "scope"))
			good = good && set(claims, "scope", json_deep_copy(scope));
		good = good && set(d, "id_token", text_or_null(grant->id_token));
		good = set(d, "claims", claims) && good;
	}
	if (!good || !read_document(kept))
		return -ENOMEM;
	return write_document(logins, kept, &record, NULL, 0);
}
