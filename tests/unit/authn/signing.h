/* One issuer, whose key the test has, and one login at it. */
#ifndef UNIT_AUTHN_SIGNING_H
#define UNIT_AUTHN_SIGNING_H

#include "authn/keyslot.h"
#include "authn/login.h"
#include "core/jsonload.h"
#include "minter.h"

#include <errno.h>

#define SIGNING_LOGIN                                                               \
	"\"name\":\"web\",\"issuer\":\"idp\",\"clientId\":\"client-1\",\"hosts\":[" \
	"\"app.example\"],\"authorizationEndpoint\":\"https://idp/auth\","          \
	"\"tokenEndpoint\":\"https://idp/token\""

struct signing {
	struct minter minter;
	struct keyslot *slot;
	struct authn *authn;
	struct logins *logins;
};

static inline struct keyslot *signing_slot(void *user, const struct key_source *source)
{
	struct signing *s = user;
	(void)source;
	return keyslot_ref(s->slot);
}

static inline int signing_logins(const struct signing *s, const char *list, struct diag *d,
                                 struct logins **ret)
{
	const struct login_env env = {.authn = s->authn};
	json_t *logins = json_load_strict(sv_of(list), 0, d);
	assert_non_null(logins);
	int r = logins_compile(logins, "/logins", &env, d, ret);
	json_decref(logins);
	return r;
}

static inline void signing_make(struct signing *s)
{
	static const char issuers[] =
		"[{\"name\":\"idp\",\"issuer\":\"https://idp\",\"jwksUri\":\"https://idp/keys\","
		"\"algorithms\":[\"ES256\"]}]";
	const struct authn_env env = {.keys_of = signing_slot, .user = s};
	struct diag d = diag_over("test", SVL(issuers));
	json_t *list = json_load_strict(SVL(issuers), 0, &d);
	*s = (struct signing){.minter = minter_make(JWS_ES256), .slot = keyslot_new(NULL, NULL)};
	keyslot_publish(s->slot, minter_set(&s->minter, ",\"kid\":\"k\""));
	const struct authn_document document = {.issuers = list};
	assert_int_equal(authn_compile(&document, &env, &d, &s->authn), 0);
	json_decref(list);
	assert_int_equal(signing_logins(s, "[{" SIGNING_LOGIN "}]", &d, &s->logins), 0);
	diag_fini(&d);
}

static inline void signing_fini(struct signing *s)
{
	logins_free(s->logins);
	authn_free(s->authn);
	keyslot_unref(s->slot);
	minter_fini(&s->minter);
}

#endif
