#include "policy/explain.h"

#include "authn/authn.h"
#include "authn/spiffe.h"
#include "cli/cli.h"
#include "core/arena.h"
#include "core/clock.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/outbuf.h"
#include "model/decision.h"
#include "model/request.h"
#include "policy/decide.h"
#include "policy/load.h"
#include "policy/policy.h"

#include <argp.h>
#include <errno.h>
#include <libgen.h>
#include <stdio.h>
#include <stdlib.h>
#include <sysexits.h>

enum { LINE_MAX_BYTES = 1024 * 1024, LINE_ARENA_BYTES = 4 * 1024 * 1024, TOKENS = 16 };

/* One line on its way: the request it asks about, and who is said to ask. */
struct question {
	struct request request;
	const json_t *claims;
	struct sv workload;
	struct arena *arena;
	const char *error; /* what is wrong with the line; NULL: nothing */
};

struct explaining {
	struct policy *policy;
	struct decide_ctx ctx;
	bool failed; /* some line was no question */
};

/* ---- a line into a request ---- */

struct text_field {
	const char *name;
	size_t offset;
};

static const struct text_field texts[] = {
	{"id", offsetof(struct request, id)},
	{"service", offsetof(struct request, service)},
	{"method", offsetof(struct request, method)},
	{"path", offsetof(struct request, path)},
	{"query", offsetof(struct request, query)},
	{"host", offsetof(struct request, host)},
	{"api_key", offsetof(struct request, api_key)},
	{"cookie", offsetof(struct request, cookie)},
	{"sni", offsetof(struct request, sni)},
	{"traceparent", offsetof(struct request, traceparent)},
	{"user_agent", offsetof(struct request, user_agent)},
	{"body", offsetof(struct request, body)},
};

/* A member that is there and not null. */
static const json_t *told(const json_t *line, const char *name)
{
	const json_t *value = json_object_get(line, name);
	return value && !json_is_null(value) ? value : NULL;
}

static bool read_string(struct question *q, const json_t *line, const char *name, struct sv *ret)
{
	const json_t *value = told(line, name);
	if (!value)
		return false;
	if (!json_is_string(value)) {
		q->error = "this argument has to be a string";
		return false;
	}
	*ret = json_string_sv(value);
	return true;
}

static void read_texts(struct question *q, const json_t *line)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sv *into = (struct sv *)((char *)&q->request + texts[i].offset);
		(void)read_string(q, line, texts[i].name, into);
	}
}

static void read_address(struct question *q, const json_t *line, const char *name,
                         struct netaddr *ret)
{
	struct sv text;
	if (read_string(q, line, name, &text) && !netaddr_parse(text, ret))
		q->error = "src and dst have to be IP addresses";
}

static void read_port(struct question *q, const json_t *line, const char *name, uint16_t *ret)
{
	const json_t *value = told(line, name);
	json_int_t port = value ? json_integer_value(value) : 0;
	if (value && (!json_is_integer(value) || port < 0 || port > 65535))
		q->error = "a port has to be a number from 0 to 65535";
	else
		*ret = (uint16_t)port;
}

static void read_bool(struct question *q, const json_t *line, const char *name, bool *ret)
{
	const json_t *value = told(line, name);
	if (value && !json_is_boolean(value))
		q->error = "tls and cert_used have to be true or false";
	else if (value)
		*ret = json_is_true(value);
}

/* One header field or a list of them: every occurrence counts. */
static void read_authorization(struct question *q, const json_t *line)
{
	const json_t *value = told(line, "authorization");
	size_t n = json_is_array(value) ? json_array_size(value) : value != NULL;
	for (size_t i = 0; i < n; i++) {
		const json_t *one = json_is_array(value) ? json_array_get(value, i) : value;
		if (!json_is_string(one))
			q->error = "authorization has to be a string or a list of strings";
		else if (q->request.n_authorization++ == 0)
			q->request.authorization = json_string_sv(one);
	}
}

/* A certificate said to be there was used and verified, unless the line says otherwise. */
static void read_certificate(struct question *q, const json_t *line)
{
	struct sv text;
	const json_t *verify = told(line, "cert_verify");
	q->request.cert_verify = -1;
	if (read_string(q, line, "cert", &text)) {
		uint8_t *der = arena_alloc(q->arena, BASE64_DECODED_MAX(text.n));
		size_t n = 0;
		if (!der || !base64_decode(text, der, &n))
			q->error = "cert has to be DER in base64";
		q->request.cert = (struct sv){(const char *)der, n};
		q->request.cert_used = true;
		q->request.cert_verify = 0;
	}
	read_bool(q, line, "cert_used", &q->request.cert_used);
	if (verify && !json_is_integer(verify))
		q->error = "cert_verify has to be a number";
	else if (verify)
		q->request.cert_verify = json_integer_value(verify);
}

/* ---- the header map as req.hdrs_bin ---- */

static void put_length(struct outbuf *out, size_t n)
{
	if (n < 240) {
		outbuf_u8(out, (uint8_t)n);
		return;
	}
	outbuf_u8(out, (uint8_t)(n | 240));
	for (n = (n - 240) >> 4; n >= 128; n = (n - 128) >> 7)
		outbuf_u8(out, (uint8_t)(n | 128));
	outbuf_u8(out, (uint8_t)n);
}

static void put_header(struct question *q, struct outbuf *out, const char *name,
                       const json_t *value)
{
	if (!json_is_string(value) || *name == 0) {
		q->error = "headers has to map names to strings or lists of strings";
		return;
	}
	put_length(out, strlen(name));
	outbuf_put(out, sv_of(name));
	put_length(out, json_string_length(value));
	outbuf_put(out, json_string_sv(value));
}

static void read_headers(struct question *q, const json_t *line)
{
	const json_t *headers = told(line, "headers");
	const char *name;
	json_t *value;
	uint8_t *room = headers ? arena_alloc(q->arena, LINE_MAX_BYTES) : NULL;
	struct outbuf out = outbuf_over(room, room ? LINE_MAX_BYTES : 0);
	if (!headers)
		return;
	if (!json_is_object(headers))
		q->error = "headers has to be an object";
	/* jansson's iterator takes a json_t that it does not change */
	json_object_foreach((json_t *)(uintptr_t)headers, name, value)
	{
		size_t n = json_is_array(value) ? json_array_size(value) : 1;
		for (size_t i = 0; i < n; i++)
			put_header(q, &out, name,
			           json_is_array(value) ? json_array_get(value, i) : value);
	}
	put_length(&out, 0);
	put_length(&out, 0);
	if (out.failed)
		q->error = "there are too many headers";
	q->request.headers = outbuf_sv(&out);
}

static void read_kind(struct question *q, const json_t *line)
{
	static const char *const connect[] = {"connection", "haward-connect", "connect"};
	static const char *const http[] = {"request", "haward-authorize", "http"};
	struct sv kind;
	if (!read_string(q, line, "kind", &kind) && !read_string(q, line, "message", &kind))
		return;
	for (size_t i = 0; i < ARRAY_LEN(connect); i++)
		if (sv_eq(kind, sv_of(connect[i])))
			q->request.kind = REQUEST_CONNECT;
	for (size_t i = 0; i < ARRAY_LEN(http); i++)
		if (sv_eq(kind, sv_of(http[i])))
			return;
	if (q->request.kind != REQUEST_CONNECT)
		q->error = "kind has to be request or connection";
}

static void read_caller(struct question *q, const json_t *line)
{
	q->claims = told(line, "claims");
	if (q->claims && !json_is_object(q->claims))
		q->error = "claims has to be an object";
	if (read_string(q, line, "workload", &q->workload) && !spiffe_id_check(q->workload))
		q->error = "workload has to be a SPIFFE ID";
}

static void read_question(struct question *q, const json_t *line)
{
	if (!json_is_object(line)) {
		q->error = "a line has to be a JSON object";
		return;
	}
	read_texts(q, line);
	read_address(q, line, "src", &q->request.src);
	read_address(q, line, "dst", &q->request.dst);
	read_port(q, line, "src_port", &q->request.src_port);
	read_port(q, line, "dst_port", &q->request.dst_port);
	read_bool(q, line, "tls", &q->request.tls);
	read_authorization(q, line);
	read_certificate(q, line);
	read_headers(q, line);
	read_kind(q, line);
	read_caller(q, line);
}

/* ---- a request into a decision ---- */

static const struct issuer *issuer_of(const struct policy *policy, struct sv iss)
{
	const struct authn *authn = policy_authn(policy);
	for (size_t i = 0; i < authn_n_issuers(authn); i++)
		if (sv_eq(sv_of(authn_issuer(authn, i)->issuer), iss))
			return authn_issuer(authn, i);
	return NULL;
}

/* What is said of the caller takes the place of the credential that would prove it; the other credential
 * is still checked. */
static bool identify(const struct explaining *e, struct question *q, struct identity *ret)
{
	enum reason why;
	if (q->claims) {
		q->request.authorization = (struct sv){0};
		q->request.n_authorization = 0;
	}
	if (q->workload.n) {
		q->request.cert = (struct sv){0};
		q->request.cert_used = false;
	}
	if (authn_identify(policy_authn(e->policy), e->ctx.tokens, &q->request,
	                   e->ctx.now_us / 1000000, q->arena, ret, &why) == AUTHN_REFUSED)
		return false;
	if (q->workload.n)
		identity_set_workload(ret, q->workload);
	if (!q->claims)
		return true;
	struct sv iss = json_string_sv(json_object_get(q->claims, "iss"));
	return authn_identity_of_claims(issuer_of(e->policy, iss), q->claims, q->arena, ret);
}

static void decide(struct explaining *e, struct question *q, struct decision *ret)
{
	struct identity who = {0};
	bool said = q->claims || q->workload.n > 0;
	if (said && identify(e, q, &who))
		policy_decide_as(e->policy, &e->ctx, &q->request, &who, ret);
	else
		policy_decide(e->policy, &e->ctx, &q->request, ret);
}

static void print_error(struct explaining *e, size_t number, const char *error)
{
	json_t *line = json_pack("{s:s, s:I}", "error", error, "line", (json_int_t)number);
	e->failed = true;
	if (line)
		(void)json_dumpf(line, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(line);
}

static void explain_line(struct explaining *e, struct sv text, size_t number)
{
	struct diag d = diag_over("-", text);
	json_t *line = json_load_strict(text, 0, &d);
	struct question q = {.arena = e->ctx.arena};
	struct decision decision;

	if (line)
		read_question(&q, line);
	else
		q.error = d.n > 0 && d.items[0].message ? d.items[0].message : "this is not JSON";
	json_t *answer = NULL;
	if (!q.error) {
		decide(e, &q, &decision);
		answer = policy_explain(&decision);
		if (!answer)
			q.error = "memory is out";
	}
	if (q.error)
		print_error(e, number, q.error);
	else if (json_dumpf(answer, stdout, JSON_COMPACT) == 0)
		(void)putchar('\n');
	json_decref(answer);
	json_decref(line);
	diag_fini(&d);
	arena_reset(e->ctx.arena);
}

static int explain_all(struct explaining *e, FILE *from)
{
	char *line = NULL;
	size_t room = 0;
	size_t number = 0;
	ssize_t n;
	while ((n = getline(&line, &room, from)) >= 0) {
		struct sv text = sv_trim((struct sv){line, (size_t)n});
		while (text.n > 0 && (text.at[text.n - 1] == '\n' || text.at[text.n - 1] == '\r'))
			text.n--;
		number++;
		if (text.n > LINE_MAX_BYTES)
			print_error(e, number, "the line is too long");
		else if (text.n > 0)
			explain_line(e, text, number);
		(void)fflush(stdout);
	}
	free(line);
	if (ferror(from) || ferror(stdout))
		return EX_IOERR;
	return e->failed ? EX_DATAERR : EX_OK;
}

/* ---- the command ---- */

struct arguments {
	const char *policy;
	int64_t now_s; /* 0: the clock */
};

enum { KEY_NOW = 256 };

static const struct argp_option options[] = {
	{"policy", 'p', "FILE", 0, "the policy set that judges", 0},
	{"now", KEY_NOW, "UNIX", 0, "judge tokens as of this second", 0},
	{0},
};

static error_t take_option(int key, char *value, struct argp_state *state)
{
	struct arguments *a = state->input;
	unsigned long long now;
	if (key == 'p') {
		a->policy = value;
	} else if (key == KEY_NOW) {
		if (!sv_to_u64(sv_of(value), &now) || now > INT64_MAX / 1000000)
			argp_error(state, "--now takes seconds since 1970");
		a->now_s = (int64_t)now;
	} else if (key == ARGP_KEY_END && !a->policy) {
		argp_error(state, "--policy is required");
	} else {
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp parser = {
	.options = options,
	.parser = take_option,
	.doc = "Print what a policy set decides, and why.\v"
	       "Reads one request a line from standard input: a JSON object with the arguments of "
	       "schema/spoe.md by name (cert in base64), and, instead of credentials, claims (an "
	       "object) and workload (a SPIFFE ID); headers maps names to values. Prints one "
	       "decision "
	       "a line as JSON. The exit status is not 0 when a line was no request.",
};

/* Offline: keys come from files and inline sets only. */
static int load(const char *path, struct policy **ret)
{
	struct diag d = diag_over(path, (struct sv){0});
	char *text = NULL;
	char *copy = strdup(path);
	const struct policy_env env = {.base_dir = copy ? dirname(copy) : NULL};
	int r = copy ? policy_load_file(path, &env, 0, &d, &text, ret) : -ENOMEM;
	if (r != 0 && d.n > 0)
		diag_print(&d, stderr);
	else if (r != 0)
		(void)fprintf(stderr, "%s: %s\n", path, strerrordesc_np(-r));
	diag_fini(&d);
	free(text);
	free(copy);
	return r;
}

static char own_name[] = "haward explain"; /* for the usage text */

int cli_explain(int argc, char **argv)
{
	struct arguments a = {0};
	struct explaining e = {0};
	struct arena arena = {0};
	int status = EX_SOFTWARE;

	argv[0] = own_name;
	if (argp_parse(&parser, argc, argv, 0, NULL, &a) != 0)
		return EX_USAGE;
	if (load(a.policy, &e.policy) != 0)
		return EX_CONFIG;
	e.ctx.tokens = tokencache_new(TOKENS);
	e.ctx.arena = &arena;
	e.ctx.now_us = a.now_s ? a.now_s * 1000000 : clock_real_us();
	if (e.ctx.tokens && arena_init(&arena, LINE_ARENA_BYTES) == 0)
		status = explain_all(&e, stdin);
	arena_fini(&arena);
	tokencache_free(e.ctx.tokens);
	policy_unref(e.policy);
	return status;
}
