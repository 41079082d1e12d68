#include "authn/authn.h"
#include "authn/jwt.h"
#include "cli/cli.h"
#include "cli/kept.h"
#include "cli/lines.h"
#include "core/clock.h"
#include "core/fileio.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/secret.h"

#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum {
	KEY_JWKS = 'j',
	KEY_ISSUER = 'i',
	KEY_AUDIENCE = 'a',
	KEY_POLICY = 'p',
	KEY_DATA = 'd',
	KEY_NO_TIME = 1000, /* from here on without a letter */
	KEY_JWS,
	KEY_NOW
};

struct arguments {
	const char *jwks, *policy, *data;
	struct sv issuer;
	char *audience[1];
	struct json_strings audiences;
	bool no_time, jws_only;
	long long now_s; /* -1: the clock */
	bool has_act;
};

static const struct argp_option options[] = {
	{"jwks", KEY_JWKS, "FILE", 0, "Verify with the keys of this JWK set; it may hold oct keys",
         0},
	{"issuer", KEY_ISSUER, "ISSUER", 0, "Require this iss", 0},
	{"audience", KEY_AUDIENCE, "AUDIENCE", 0, "Require this in aud", 0},
	{"no-time", KEY_NO_TIME, NULL, 0, "Do not look at exp and nbf", 0},
	{"jws", KEY_JWS, NULL, 0, "Check the signature alone, whatever the payload", 0},
	{"policy", KEY_POLICY, "FILE", 0, "Judge as the agent would with this policy set's issuers",
         0},
	{"data", KEY_DATA, "DIR", 0,
         "With --policy: what the agent with this data directory has revoked is refused", 0},
	{"now", KEY_NOW, "UNIX", 0, "The time to judge at, seconds since 1970; default: the clock",
         0},
	{0},
};

static error_t parse_now(const char *value, struct arguments *a, struct argp_state *state)
{
	unsigned long long now;
	if (!sv_to_u64(sv_of(value), &now) || now > INT64_MAX / 2)
		argp_error(state, "--now: '%s' is no number of seconds since 1970", value);
	else
		a->now_s = (long long)now;
	return 0;
}

/* A script's variable that is empty must not mean that nothing is asked. */
static struct sv named(const char *option, const char *value, struct argp_state *state)
{
	if (!*value)
		argp_error(state, "%s: a name is expected", option);
	return sv_of(value);
}

/* What would be asked and not looked at is refused: the answer would say more than was checked. */
static void check_together(const struct arguments *a, struct argp_state *state)
{
	bool asks_claims = a->issuer.n || a->audiences.n;
	if (!a->has_act)
		argp_error(state, "what to do? The one act is 'verify'");
	if (!a->jwks == !a->policy)
		argp_error(state, "one of --jwks and --policy is expected");
	if (a->policy && (asks_claims || a->no_time || a->jws_only))
		argp_error(state, "with --policy the issuers of the policy set say what is asked: "
		                  "--issuer, --audience, --no-time and --jws go with --jwks");
	if (a->data && !a->policy)
		argp_error(state,
		           "--data goes with --policy: a key set alone names no issuer whose "
		           "tokens could be revoked");
	if (a->jws_only && asks_claims)
		argp_error(state, "--jws looks at no claim: --issuer and --audience do not go "
		                  "with it");
}

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	switch (key) {
	case KEY_JWKS:
		a->jwks = value;
		return 0;
	case KEY_POLICY:
		a->policy = value;
		return 0;
	case KEY_DATA:
		a->data = value;
		return 0;
	case KEY_ISSUER:
		a->issuer = named("--issuer", value, state);
		return 0;
	case KEY_AUDIENCE:
		(void)named("--audience", value, state);
		a->audience[0] = value;
		a->audiences = (struct json_strings){.at = a->audience, .n = 1};
		return 0;
	case KEY_NO_TIME:
		a->no_time = true;
		return 0;
	case KEY_JWS:
		a->jws_only = true;
		return 0;
	case KEY_NOW:
		return parse_now(value, a, state);
	case ARGP_KEY_ARG:
		if (a->has_act || strcmp(value, "verify") != 0)
			argp_error(state, "'%s': the one act is 'verify'", value);
		a->has_act = true;
		return 0;
	case ARGP_KEY_END:
		check_together(a, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* What judges tokens: a bare key set, or the issuers of a policy set. */
struct judge {
	const struct arguments *arguments;
	struct jwks *keys;
	struct authn *authn;
	struct tokencache *cache;
	struct arena arena;
	struct kept kept;
};

static void judge_fini(struct judge *j)
{
	jwks_unref(j->keys);
	authn_free(j->authn);
	tokencache_free(j->cache);
	arena_fini(&j->arena);
	kept_close(&j->kept);
}

static int64_t now_s(const struct arguments *a)
{
	return a->now_s >= 0 ? a->now_s : clock_real_us() / 1000000;
}

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

static bool check_claims(const struct judge *j, const struct jws_compact *parts, struct sv typ,
                         enum reason *why)
{
	static const struct json_strings usual_types;
	const struct arguments *a = j->arguments;
	const struct jwt_rules rules = {
		.audiences = &a->audiences, .require_expiration = true, .ignore_times = a->no_time};
	CLEANUP(json_decrefp) json_t *claims = jwt_payload_read(parts->payload);
	int64_t expires_at;
	if (!claims)
		return refuse(why, REASON_TOKEN_MALFORMED);
	if (!jwt_type_check(typ, &usual_types))
		return refuse(why, REASON_TOKEN_TYPE);
	if (a->issuer.n && !sv_eq(json_string_sv(json_object_get(claims, "iss")), a->issuer))
		return refuse(why, REASON_ISSUER_UNKNOWN);
	return jwt_claims_check(claims, &rules, now_s(a), &expires_at, why);
}

static bool judge_by_keys(const struct judge *j, struct sv token, enum reason *why)
{
	struct jws_compact parts;
	struct jwt_header header;
	if (token.n > JWS_TOKEN_MAX_BYTES)
		return refuse(why, REASON_TOKEN_TOO_LARGE);
	if (!jws_split(token, &parts))
		return refuse(why, REASON_TOKEN_MALFORMED);
	if (!jwt_header_read(parts.header, &header, why))
		return false;
	bool good =
		(j->arguments->jws_only || check_claims(j, &parts, header.typ, why)) &&
		jwt_signature_check(tokencache_verifier(j->cache), j->keys, &header, &parts, why);
	json_decref(header.document);
	return good;
}

static bool judge_token(struct judge *j, struct sv token, enum reason *why)
{
	struct identity who;
	*why = REASON_INTERNAL;
	if (j->keys)
		return judge_by_keys(j, token, why);
	arena_reset(&j->arena);
	const struct authn_ctx ctx = {.cache = j->cache,
	                              .arena = &j->arena,
	                              .now_s = now_s(j->arguments),
	                              .revoked = j->kept.view.at[POLICY_TABLE_REVOCATIONS]};
	return authn_verify_token(j->authn, &ctx, token, &who, why) == AUTHN_OK;
}

/* One answer a line, whatever is in it: who asks counts on it. */
static int judge_lines(struct judge *j)
{
	static char room[JWS_TOKEN_MAX_BYTES + 2]; /* one byte too many, and a CR */
	struct sv token;
	while (lines_next(room, sizeof(room), &token)) {
		enum reason why;
		bool good = judge_token(j, token, &why);
		printf("{\"valid\":%s,\"reason\":\"%s\"}\n", good ? "true" : "false",
		       good ? "valid" : reason_name(why));
		(void)fflush(stdout);
	}
	return lines_end("token");
}

static int cannot_read(const char *path, int r)
{
	char words[128];
	fprintf(stderr, "haward token: %s: %s\n", path, strerror_r(-r, words, sizeof(words)));
	return r;
}

/* A set may hold secrets, and what the parser says of broken JSON quotes it: here its place is enough. */
static void print_key_errors(const struct diag *d)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct diag_item *item = &d->items[i];
		const char *pointer = item->pointer ? item->pointer : "";
		const char *words = item->message ? item->message : item->code;
		if (strcmp(item->code, "not_json") == 0)
			words = "no JSON from here on";
		if (strcmp(item->code, "duplicate_member") == 0)
			words = "an object has a member twice";
		fprintf(stderr, "%s:%u:%u: %s%s%s\n", d->file, item->line, item->column, pointer,
		        *pointer ? ": " : "", words);
	}
}

static int load_keys(struct judge *j, const char *path)
{
	CLEANUP(freep) char *text = NULL;
	size_t n;
	int r = file_read(path, JWKS_MAX_BYTES, &text, &n);
	if (r)
		return cannot_read(path, r);
	struct diag d = diag_over(path, (struct sv){text, n});
	r = jwks_parse((struct sv){text, n}, JWKS_OCT, &d, &j->keys);
	secret_wipe(text, n);
	print_key_errors(&d);
	diag_fini(&d);
	if (r != -ENOKEY)
		return r;
	/* a set without a usable key is an answer: it verifies nothing */
	j->keys = jwks_empty();
	return j->keys ? 0 : -ENOMEM;
}

static int compile_issuers(struct judge *j, const char *path, struct sv text, struct diag *d)
{
	CLEANUP(json_decrefp) json_t *document = json_load_strict(text, 0, d);
	const char *slash = strrchr(path, '/');
	CLEANUP(freep)
	char *dir = slash ? sv_dup((struct sv){path, (size_t)(slash - path)}) : sv_dup(SVL("."));
	const struct authn_env env = {.base_dir = dir};
	if (!document || !dir)
		return document ? -ENOMEM : -EINVAL;
	const struct authn_document authn = {
		.issuers = json_object_get(document, "issuers"),
		.credential_precedence = json_object_get(document, "credentialPrecedence")};
	return authn_compile(&authn, &env, d, &j->authn);
}

static int load_policy(struct judge *j, const char *path)
{
	CLEANUP(freep) char *text = NULL;
	size_t n;
	int r = file_read(path, DOCUMENT_MAX_BYTES, &text, &n);
	if (r)
		return cannot_read(path, r);
	struct diag d = diag_over(path, (struct sv){text, n});
	r = compile_issuers(j, path, d.text, &d);
	diag_print(&d, stderr);
	diag_fini(&d);
	for (size_t i = 0; r == 0 && i < authn_n_issuers(j->authn); i++) {
		const struct issuer *issuer = authn_issuer(j->authn, i);
		if (issuer->has_keys && keyslot_generation(issuer->keys) == 0)
			fprintf(stderr,
			        "haward token: issuer %s: keys by URL are not fetched here; its "
			        "tokens are keys_unavailable\n",
			        issuer->issuer);
	}
	return r;
}

static char own_name[] = "haward token"; /* for the usage text */

int cli_token(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "verify",
		.doc = "Read one token a line from standard input and print "
		       "{\"valid\":...,\"reason\":...} a "
		       "line. Keys come from a JWK set, or from a policy set's issuers."};
	struct arguments arguments = {.now_s = -1};
	CLEANUP(judge_fini) struct judge j = {.arguments = &arguments};
	argv[0] = own_name;
	(void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	j.cache = tokencache_new(16);
	if (!j.cache || arena_init(&j.arena, REQUEST_ARENA_BYTES) != 0)
		return EXIT_FAILURE;
	int r = arguments.jwks ? load_keys(&j, arguments.jwks) : load_policy(&j, arguments.policy);
	if (r || (arguments.data && kept_open(&j.kept, own_name, arguments.data) != 0))
		return EXIT_FAILURE;
	return judge_lines(&j);
}
