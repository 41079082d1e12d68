#include "authn/endpoints.h"

#include "authn/discovery.h"
#include "authn/issuer.h"
#include "authn/login.h"

#include <errno.h>
#include <stdlib.h>

static void free_endpoints(struct shared *shared)
{
	struct endpoints *endpoints = (struct endpoints *)shared;
	free(endpoints->authorization);
	free(endpoints->token);
	free(endpoints->end_session);
	free(endpoints);
}

static bool is_secure(const char *url)
{
	return sv_starts_ci(sv_of(url), SVL("https://"));
}

static int copy(const char *url, const char *issuer, char **ret)
{
	if (!url || (is_secure(issuer) && !is_secure(url)))
		return 0;
	*ret = sv_dup(sv_of(url));
	return *ret ? 0 : -ENOMEM;
}

int endpoints_new(const struct discovery *document, const char *issuer, struct endpoints **ret)
{
	struct endpoints *endpoints = calloc(1, sizeof(*endpoints));
	if (!endpoints)
		return -ENOMEM;
	shared_init(&endpoints->shared, free_endpoints);
	int r = copy(document->authorization_endpoint, issuer, &endpoints->authorization);
	if (r == 0)
		r = copy(document->token_endpoint, issuer, &endpoints->token);
	if (r == 0)
		r = copy(document->end_session_endpoint, issuer, &endpoints->end_session);
	if (r == 0)
		*ret = endpoints;
	else
		free_endpoints(&endpoints->shared);
	return r;
}

void login_endpoints_get(const struct login *login, struct login_endpoints *ret)
{
	*ret = (struct login_endpoints){login->authorization_endpoint, login->token_endpoint,
	                                login->end_session_endpoint, NULL};
	if (!login->issuer || !login->issuer->is_discovered)
		return;
	ret->discovered = keyslot_endpoints(login->issuer->keys);
	if (!ret->discovered)
		return;
	if (!ret->authorization)
		ret->authorization = ret->discovered->authorization;
	if (!ret->token)
		ret->token = ret->discovered->token;
	if (!ret->end_session)
		ret->end_session = ret->discovered->end_session;
}

void login_endpoints_fini(struct login_endpoints *endpoints)
{
	if (endpoints->discovered)
		shared_unref(&endpoints->discovered->shared);
	*endpoints = (struct login_endpoints){0};
}
