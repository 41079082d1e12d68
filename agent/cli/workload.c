#include "authn/authn.h"
#include "authn/spiffe.h"
#include "authn/trustbundle.h"
#include "cli/cli.h"
#include "cli/lines.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/limits.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <argp.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { KEY_POLICY = 'p', KEY_NOW = 256, LINE_MAX_BYTES = 256 * 1024, CACHE_ENTRIES = 16 };

struct arguments {
	const char *policy;
	long long now_s; /* -1: the clock */
	bool has_act;
};

static const struct argp_option options[] = {
	{"policy", KEY_POLICY, "FILE", 0,
         "Verify chains against the trustDomains of this policy set", 0},
	{"now", KEY_NOW, "UNIX", 0, "The time to judge at, seconds since 1970; default: the clock",
         0},
	{0},
};

static error_t parse(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	unsigned long long now;
	if (key == KEY_POLICY) {
		a->policy = value;
	} else if (key == KEY_NOW) {
		if (!sv_to_u64(sv_of(value), &now) || now > INT64_MAX / 1000000)
			argp_error(state, "--now: '%s' is no number of seconds since 1970", value);
		a->now_s = (long long)now;
	} else if (key == ARGP_KEY_ARG) {
		if (a->has_act || strcmp(value, "check") != 0)
			argp_error(state, "'%s': the one act is 'check'", value);
		a->has_act = true;
	} else if (key == ARGP_KEY_END && !a->has_act) {
		argp_error(state, "what to do? The one act is 'check'");
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* What judges lines. */
struct judge {
	const struct arguments *arguments;
	struct policy *policy;    /* NULL: none */
	struct authn *alone;      /* judges where there is no policy */
	struct tokencache *cache; /* of one line: what another line brought along is not known */
	struct arena arena;
	size_t line;
};

static void judge_fini(struct judge *j)
{
	policy_unref(j->policy);
	authn_free(j->alone);
	tokencache_free(j->cache);
	arena_fini(&j->arena);
}

static const struct authn *authn_of(const struct judge *j)
{
	return j->policy ? policy_authn(j->policy) : j->alone;
}

static int64_t now_s(const struct judge *j)
{
	return j->arguments->now_s >= 0 ? j->arguments->now_s : clock_real_us() / 1000000;
}

static bool refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return false;
}

static void complain(const struct judge *j, const char *words)
{
	fprintf(stderr, "haward workload: line %zu: %s\n", j->line, words);
}

/* Certificates in base64 with commas between -> the first, and the others one behind the other. */
static bool decode(struct judge *j, struct sv line, struct authn_certificate *ret)
{
	struct sv part;
	uint8_t *at = arena_alloc(&j->arena, BASE64_DECODED_MAX(line.n) + 3);
	bool is_first = true;
	*ret = (struct authn_certificate){0};
	while (at && sv_cut(&line, ',', &part)) {
		size_t n = 0;
		if (!base64_decode(part, at, &n) || n == 0)
			return false;
		if (is_first)
			ret->leaf = (struct sv){(const char *)at, n};
		else if (ret->chain.n == 0)
			ret->chain = (struct sv){(const char *)at, n};
		else
			ret->chain.n += n;
		at += n;
		is_first = false;
	}
	return at;
}

/* Without bundles the last certificate stands for the authority: whether each vouches for the one before it can be
 * said all the same. */
static bool check_links(const struct judge *j, const struct authn_certificate *cert,
                        enum reason *why)
{
	CLEANUP(svid_chain_freep) STACK_OF(X509) *chain = NULL;
	CLEANUP(svid_freep) X509 *leaf = svid_parse(cert->leaf);
	int64_t until_s;
	if (cert->chain.n == 0)
		return true;
	if (!leaf || !svid_parse_many(cert->chain, &chain))
		return refuse(why, REASON_CERTIFICATE_INVALID);
	CLEANUP(trustbundle_unrefp)
	struct trustbundle *last = trustbundle_of(sk_X509_value(chain, sk_X509_num(chain) - 1));
	return (last && trustbundle_verify(last, leaf, chain, now_s(j), &until_s)) ||
	       refuse(why, REASON_CERTIFICATE_UNTRUSTED);
}

static bool judge_chain(struct judge *j, struct sv line, struct sv *ret_id, enum reason *why)
{
	const struct authn *authn = authn_of(j);
	j->cache = tokencache_new(CACHE_ENTRIES);
	const struct authn_ctx ctx = {.cache = j->cache, .arena = &j->arena, .now_s = now_s(j)};
	struct authn_certificate cert;
	struct identity who = {0};
	if (!decode(j, line, &cert)) {
		complain(j, "neither a SPIFFE ID nor certificates: base64 of DER is expected, "
		            "with commas between");
		return refuse(why, REASON_CERTIFICATE_INVALID);
	}
	if (!j->cache)
		return false;
	switch (authn_verify_certificate(authn, &ctx, &cert, &who, why)) {
	case AUTHN_OK:
		break;
	case AUTHN_ANONYMOUS: /* good as a certificate, but it names nobody */
		return refuse(why, REASON_SPIFFE_ID_INVALID);
	case AUTHN_LATER: /* nobody is asked about a certificate */
	case AUTHN_REFUSED:
		return false;
	}
	*ret_id = who.workload;
	return authn_has_trust_domains(authn) || check_links(j, &cert, why);
}

/* A SPIFFE ID has a colon, and base64 has none. */
static bool looks_like_chain(struct sv line)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				       "0123456789+/=,";
	for (size_t i = 0; i < line.n; i++)
		if (!line.at[i] || !strchr(alphabet, line.at[i]))
			return false;
	return line.n > 0;
}

static bool judge_line(struct judge *j, struct sv line, struct sv *ret_id, enum reason *why)
{
	*why = REASON_INTERNAL;
	arena_reset(&j->arena);
	tokencache_free(TAKE(j->cache));
	if (line.n > LINE_MAX_BYTES) {
		complain(j, "longer than any chain that is looked at");
		return refuse(why, REASON_CERTIFICATE_INVALID);
	}
	if (looks_like_chain(line))
		return judge_chain(j, line, ret_id, why);
	*ret_id = line;
	return spiffe_id_is_valid(line) || refuse(why, REASON_SPIFFE_ID_INVALID);
}

/* One answer a line, whatever is in it: who asks counts on it. What is valid has no byte that JSON escapes. */
static int judge_lines(struct judge *j)
{
	static char room[LINE_MAX_BYTES + 2]; /* one byte too many, and a CR */
	struct sv line;
	while (lines_next(room, sizeof(room), &line)) {
		struct sv id = {0};
		enum reason why;
		j->line++;
		if (judge_line(j, line, &id, &why))
			printf("{\"valid\":true,\"spiffe_id\":\"%.*s\",\"reason\":\"valid\"}\n",
			       SV_ARG(id));
		else
			printf("{\"valid\":false,\"spiffe_id\":null,\"reason\":\"%s\"}\n",
			       reason_name(why));
		(void)fflush(stdout);
	}
	return lines_end("workload");
}

/* Offline: bundles come from files and from the policy set itself only. */
static int load_policy(struct judge *j, const char *path)
{
	struct diag d = diag_over(path, (struct sv){0});
	char *text = NULL, *copy = strdup(path);
	const struct policy_env env = {.base_dir = copy ? dirname(copy) : NULL};
	int r = copy ? policy_load_file(path, &env, 0, &d, &text, &j->policy) : -ENOMEM;
	if (r != 0 && d.n == 0)
		fprintf(stderr, "haward workload: %s: %s\n", path, strerrordesc_np(-r));
	diag_print(&d, stderr);
	diag_fini(&d);
	free(text);
	free(copy);
	return r;
}

static char own_name[] = "haward workload"; /* for the usage text */

int cli_workload(int argc, char **argv)
{
	static const struct argp argp = {
		.options = options,
		.parser = parse,
		.args_doc = "check",
		.doc = "Read one SPIFFE ID or one client certificate a line from standard input "
		       "and "
		       "print {\"valid\":...,\"spiffe_id\":...,\"reason\":...} a line. A "
		       "certificate is base64 of its DER, and so is each that came along, with "
		       "commas between, the leaf first."};
	struct arguments arguments = {.now_s = -1};
	CLEANUP(judge_fini) struct judge j = {.arguments = &arguments};
	argv[0] = own_name;
	(void)argp_parse(&argp, argc, argv, 0, NULL, &arguments);
	if (arena_init(&j.arena, 2 * (size_t)LINE_MAX_BYTES) != 0)
		return EXIT_FAILURE;
	int r = arguments.policy ? load_policy(&j, arguments.policy)
	                         : authn_compile(&(struct authn_document){0}, NULL, NULL, &j.alone);
	return r ? EXIT_FAILURE : judge_lines(&j);
}
