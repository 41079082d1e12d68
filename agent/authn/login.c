#include "authn/login.h"

#include "core/fileio.h"
#include "core/secret.h"
#include "core/strbuf.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>

struct logins {
	size_t n;
	struct login *at; /* owned */
};

enum { SECRET_MAX_BYTES = 4096, LOGINS_MAX = 256, DAYS_30_S = 30 * 24 * 60 * 60 };

static const char *const client_auth_names[LOGIN_CLIENT_AUTH_COUNT] = {
	[LOGIN_CLIENT_BASIC] = "client_secret_basic",
	[LOGIN_CLIENT_POST] = "client_secret_post",
};

static const struct json_field session_fields[] = {
	{.name = "idleSeconds",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct login_session, idle_s),
         .min = 60,
         .max = DAYS_30_S},
	{.name = "lifetimeSeconds",
         .kind = JSON_FIELD_INT,
         .offset = offsetof(struct login_session, lifetime_s),
         .min = 60,
         .max = DAYS_30_S},
	{.name = "cookie",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct login_session, cookie),
         .min = 1,
         .max = 64},
};

#define TEXT(text, member, longest)                                                       \
	{                                                                                 \
		.name = (text), .kind = JSON_FIELD_STRING,                                \
		.offset = JSON_FIELD_AT(struct login, member), .min = 1, .max = (longest) \
	}

static const struct json_field fields[] = {
	{.name = "name",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct login, name),
         .min = 1,
         .max = 128,
         .required = true},
	{.name = "issuer",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct login, issuer_name),
         .min = 1,
         .max = 2048,
         .required = true},
	{.name = "hosts",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct login, hosts),
         .min = 1,
         .max = 261,
         .required = true},
	{.name = "clientId",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct login, client_id),
         .min = 1,
         .max = 512,
         .required = true},
	TEXT("clientSecretFile", client_secret_file, 1024),
	{.name = "clientAuth",
         .kind = JSON_FIELD_ENUM,
         .offset = offsetof(struct login, client_auth),
         .names = client_auth_names,
         .n_names = LOGIN_CLIENT_AUTH_COUNT},
	TEXT("authorizationEndpoint", authorization_endpoint, 2048),
	TEXT("tokenEndpoint", token_endpoint, 2048),
	TEXT("endSessionEndpoint", end_session_endpoint, 2048),
	{.name = "scopes",
         .kind = JSON_FIELD_STRINGS,
         .offset = offsetof(struct login, scopes),
         .min = 1,
         .max = 256},
	TEXT("callbackPath", paths[LOGIN_CALLBACK], 256),
	TEXT("logoutPath", paths[LOGIN_LOGOUT], 256),
	TEXT("backchannelLogoutPath", paths[LOGIN_BACKCHANNEL], 256),
	TEXT("frontchannelLogoutPath", paths[LOGIN_FRONTCHANNEL], 256),
	TEXT("afterLogoutPath", after_logout_path, 256),
	{.name = "insecureLoopback",
         .kind = JSON_FIELD_BOOL,
         .offset = offsetof(struct login, insecure_loopback)},
	{.name = "session",
         .kind = JSON_FIELD_OBJECT,
         .offset = offsetof(struct login, session),
         .fields = session_fields,
         .n_fields = ARRAY_LEN(session_fields)},
};
#undef TEXT

static void login_fini(struct login *login)
{
	json_fields_free(fields, ARRAY_LEN(fields), login);
	if (login->secret)
		secret_wipe(login->secret, strlen(login->secret));
	free(login->secret);
	free(login->scope);
	*login = (struct login){0};
}

void logins_free(struct logins *logins)
{
	if (!logins)
		return;
	for (size_t i = 0; i < logins->n; i++)
		login_fini(&logins->at[i]);
	free(logins->at);
	free(logins);
}

static void logins_freep(struct logins **logins)
{
	logins_free(*logins);
}

/* ---- reading ---- */

struct reading {
	struct login *login;
	const char *pointer;
	const struct login_env *env;
	struct diag *diag;
};

static int complain(const struct reading *r, const char *member, const char *code, const char *text)
{
	char pointer[1024];
	(void)snprintf(pointer, sizeof(pointer), "%s%s", r->pointer, member);
	diag_add(r->diag, pointer, code, "%s", text);
	return -EINVAL;
}

static int set_default(char **field, const char *value)
{
	if (!*field)
		*field = sv_dup(sv_of(value));
	return *field ? 0 : -ENOMEM;
}

static int set_defaults(struct login *login)
{
	int r = set_default(&login->paths[LOGIN_CALLBACK], "/.haward/callback");
	if (r == 0)
		r = set_default(&login->paths[LOGIN_LOGOUT], "/.haward/logout");
	if (r == 0)
		r = set_default(&login->after_logout_path, "/");
	return r ? r : set_default(&login->session.cookie, "haward");
}

static bool is_all_of(const char *text, const char *others)
{
	for (const char *at = text; *at; at++) {
		char lower = sv_lower_char(*at);
		bool is_plain = (lower >= 'a' && lower <= 'z') || (*at >= '0' && *at <= '9');
		if (!is_plain && !strchr(others, *at))
			return false;
	}
	return true;
}

static bool is_path(const char *text)
{
	return text[0] == '/' && text[1] != '/' && is_all_of(text, "/._~-");
}

static int check_paths(const struct reading *r)
{
	static const char *const members[LOGIN_PATH_COUNT] = {
		[LOGIN_CALLBACK] = "/callbackPath",
		[LOGIN_LOGOUT] = "/logoutPath",
		[LOGIN_BACKCHANNEL] = "/backchannelLogoutPath",
		[LOGIN_FRONTCHANNEL] = "/frontchannelLogoutPath",
	};
	static const char expected[] = "a path is expected: / and then letters, digits and ._~/-";
	int result = 0;
	for (size_t i = 0; i < LOGIN_PATH_COUNT; i++)
		if (r->login->paths[i] && !is_path(r->login->paths[i]))
			result = complain(r, members[i], "not_a_path", expected);
	if (!is_path(r->login->after_logout_path))
		result = complain(r, "/afterLogoutPath", "not_a_path", expected);
	if (!is_all_of(r->login->session.cookie, "_-."))
		result = complain(r, "/session/cookie", "not_a_name",
		                  "letters, digits and _-. are expected");
	return result;
}

static bool is_loopback(const char *host)
{
	static const char *const names[] = {"127.0.0.1", "localhost", "[::1]"};
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		struct sv rest = sv_from(sv_of(host), strlen(names[i]));
		if (sv_starts(sv_of(host), sv_of(names[i])) && (rest.n == 0 || rest.at[0] == ':'))
			return true;
	}
	return false;
}

static int check_hosts(const struct reading *r)
{
	int result = 0;
	if (r->login->hosts.n == 0)
		return complain(r, "/hosts", "empty_list", "at least one host is expected");
	for (size_t i = 0; i < r->login->hosts.n; i++) {
		char *host = r->login->hosts.at[i], member[48];
		(void)snprintf(member, sizeof(member), "/hosts/%zu", i);
		for (char *at = host; *at; at++)
			*at = sv_lower_char(*at);
		if (!is_all_of(host, ".-:[]"))
			result = complain(r, member, "not_a_host",
			                  "a host is expected, with :port where it is not the "
			                  "usual one");
		else if (r->login->insecure_loopback && !is_loopback(host))
			result = complain(r, member, "not_loopback",
			                  "with insecureLoopback only 127.0.0.1, localhost and "
			                  "[::1] are hosts");
	}
	return result;
}

static bool is_url(const char *text)
{
	return sv_starts(sv_of(text), SVL("https://")) || sv_starts(sv_of(text), SVL("http://"));
}

/* in: asked: the agent itself asks it, not the browser */
static int check_endpoint(const struct reading *r, const char *url, const char *member, bool asked)
{
	if (!url)
		return 0;
	bool plain = is_url(url) && !strpbrk(url, "#\" <>\\^`{|}");
	for (const char *at = url; *at; at++)
		plain = plain && (unsigned char)*at > 0x20 && (unsigned char)*at < 0x7f;
	if (!plain)
		return complain(r, member, "not_a_url", "an http or https URL is expected");
	if (asked && r->env->is_allowed && !r->env->is_allowed(r->env->user, url))
		return complain(
			r, member, "url_not_allowed",
			"this URL is not asked: https is expected, http only to hosts that the "
			"settings allow (fetch.allow_http_hosts)");
	return 0;
}

static int check_endpoints(const struct reading *r)
{
	const struct login *login = r->login;
	int result = 0;
	bool is_told = login->authorization_endpoint && login->token_endpoint;
	if (!is_told && login->issuer && !login->issuer->is_discovered)
		result =
			complain(r, "", "endpoints",
		                 "authorizationEndpoint and tokenEndpoint are expected, since the "
		                 "issuer is not discovered: its keys are given (jwksUri, jwksFile, "
		                 "jwks, secretFile or introspection)");
	int one = check_endpoint(r, login->authorization_endpoint, "/authorizationEndpoint", false);
	int two = check_endpoint(r, login->token_endpoint, "/tokenEndpoint", true);
	int three = check_endpoint(r, login->end_session_endpoint, "/endSessionEndpoint", false);
	return result ? result : one ? one : two ? two : three;
}

static int find_issuer(const struct reading *r)
{
	for (size_t i = 0; i < authn_n_issuers(r->env->authn); i++) {
		const struct issuer *issuer = authn_issuer(r->env->authn, i);
		if (strcmp(issuer->name, r->login->issuer_name) == 0)
			r->login->issuer = issuer;
	}
	return r->login->issuer ? 0
	                        : complain(r, "/issuer", "unknown_issuer",
	                                   "the name of one of the issuers is expected");
}

static int read_secret(const struct reading *r)
{
	char path[PATH_MAX], words[PATH_MAX + 256], reason[128], *text = NULL;
	const char *file = r->login->client_secret_file;
	size_t n;
	if (!file)
		return 0;
	const char *dir = file[0] != '/' ? r->env->base_dir : NULL;
	(void)snprintf(path, sizeof(path), "%s%s%s", dir ? dir : "", dir ? "/" : "", file);
	int result = file_read(path, SECRET_MAX_BYTES, &text, &n);
	if (result) {
		(void)snprintf(words, sizeof(words), "%s cannot be read: %.100s", path,
		               strerror_r(-result, reason, sizeof(reason)));
		return complain(r, "/clientSecretFile", "unreadable_file", words);
	}
	r->login->secret = text;
	if (n && text[n - 1] == '\n') /* an editor's, not the secret's */
		text[n - 1] = '\0';
	if (text[0] && strlen(text) + 1 >= n)
		return 0;
	return complain(r, "/clientSecretFile", "weak_secret",
	                "a secret is expected: not empty, without NUL");
}

static int join_scopes(const struct reading *r)
{
	struct strbuf b = strbuf_with(8192);
	bool bad = false;
	strbuf_add(&b, SVL("openid"));
	for (size_t i = 0; i < r->login->scopes.n; i++) {
		struct sv scope = sv_of(r->login->scopes.at[i]);
		/* source: RFC 6749 3.3 */
		for (size_t k = 0; k < scope.n; k++)
			bad = bad || (unsigned char)scope.at[k] <= 0x20 ||
			      (unsigned char)scope.at[k] >= 0x7f || strchr("\"\\", scope.at[k]);
		if (sv_eq(scope, SVL("openid")))
			continue;
		strbuf_char(&b, ' ');
		strbuf_add(&b, scope);
	}
	r->login->scope = strbuf_take(&b);
	strbuf_fini(&b);
	if (bad)
		return complain(r, "/scopes", "not_a_scope", "names without blanks are expected");
	return r->login->scope ? 0 : -ENOMEM;
}

static int login_read(const struct reading *r, const json_t *object)
{
	static int (*const checks[])(const struct reading *r) = {
		check_paths, check_hosts, find_issuer, check_endpoints, read_secret, join_scopes,
	};
	*r->login = (struct login){.session = {.idle_s = 30 * 60, .lifetime_s = 12 * 60 * 60}};
	int result =
		json_fields_read(object, fields, ARRAY_LEN(fields), r->pointer, r->diag, r->login);
	if (result == 0)
		result = set_defaults(r->login);
	if (result)
		return result;
	for (size_t i = 0; i < ARRAY_LEN(checks); i++) {
		int one = checks[i](r);
		result = result ? result : one;
	}
	return result;
}

/* ---- all of them ---- */

static bool share_host(const struct login *a, const struct login *b)
{
	for (size_t i = 0; i < a->hosts.n; i++)
		if (login_has_host(b, sv_of(a->hosts.at[i])))
			return true;
	return false;
}

static bool share_path(const struct login *a, const struct login *b)
{
	for (size_t i = 0; i < LOGIN_PATH_COUNT; i++)
		for (size_t k = a == b ? i + 1 : 0; k < LOGIN_PATH_COUNT; k++)
			if (a->paths[i] && b->paths[k] && strcmp(a->paths[i], b->paths[k]) == 0)
				return true;
	return false;
}

/* Each answers for its own paths and cookie: which one is meant must never depend on their order. */
static int check_against(const struct reading *r, const struct logins *logins)
{
	const struct login *login = r->login;
	int result = 0;
	if (share_path(login, login))
		result = complain(r, "", "doubled_path", "two of its paths are the same");
	for (size_t i = 0; i < logins->n; i++) {
		const struct login *other = &logins->at[i];
		if (strcmp(login->name, other->name) == 0)
			result = complain(r, "/name", "doubled_name", "another login has the name");
		if (!share_host(login, other))
			continue;
		if (share_path(login, other))
			result = complain(r, "", "doubled_path",
			                  "another login of a host has the same callbackPath, "
			                  "logoutPath, backchannelLogoutPath or "
			                  "frontchannelLogoutPath");
		if (strcmp(login->session.cookie, other->session.cookie) == 0)
			result = complain(r, "/session/cookie", "doubled_name",
			                  "another login of a host has the same session.cookie");
	}
	return result;
}

static int read_all(const json_t *list, const char *pointer, const struct login_env *env,
                    struct diag *d, struct logins *logins)
{
	int result = 0;
	for (size_t i = 0; i < json_array_size(list); i++) {
		char at[256];
		const struct reading r = {&logins->at[logins->n], at, env, d};
		(void)snprintf(at, sizeof(at), "%s/%zu", pointer, i);
		int one = login_read(&r, json_array_get(list, i));
		if (one == 0)
			one = check_against(&r, logins);
		if (one == 0)
			logins->n++;
		else
			login_fini(r.login);
		result = result == -ENOMEM || one == 0 ? result : one;
	}
	return result;
}

int logins_compile(const json_t *list, const char *pointer, const struct login_env *env,
                   struct diag *d, struct logins **ret)
{
	CLEANUP(logins_freep) struct logins *logins = calloc(1, sizeof(*logins));
	if (!logins)
		return -ENOMEM;
	if (list && (!json_is_array(list) || json_array_size(list) > LOGINS_MAX)) {
		diag_add(d, pointer, "wrong_type", "an array of at most %d logins is expected here",
		         LOGINS_MAX);
		return -EINVAL;
	}
	size_t n = json_array_size(list);
	logins->at = calloc(n ? n : 1, sizeof(*logins->at));
	if (!logins->at)
		return -ENOMEM;
	int r = read_all(list, pointer, env, d, logins);
	if (r)
		return r;
	*ret = TAKE(logins);
	return 0;
}

/* ---- finding ---- */

const struct login *logins_named(const struct logins *logins, struct sv name)
{
	for (size_t i = 0; name.n && i < logins->n; i++)
		if (sv_eq(sv_of(logins->at[i].name), name))
			return &logins->at[i];
	return NULL;
}

bool login_has_host(const struct login *login, struct sv host)
{
	for (size_t i = 0; i < login->hosts.n; i++)
		if (sv_eq_ci(sv_of(login->hosts.at[i]), host))
			return true;
	return false;
}

const struct login *logins_answering(const struct logins *logins, struct sv host, struct sv path,
                                     enum login_path *ret)
{
	for (size_t i = 0; path.n && i < logins->n; i++) {
		for (unsigned k = 0; k < LOGIN_PATH_COUNT; k++) {
			const char *own = logins->at[i].paths[k];
			if (!own || !sv_eq(sv_of(own), path) ||
			    !login_has_host(&logins->at[i], host))
				continue;
			*ret = (enum login_path)k;
			return &logins->at[i];
		}
	}
	return NULL;
}
