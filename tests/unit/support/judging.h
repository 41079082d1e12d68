/* A policy set from text with single quotes, and one request judged by it. */
#ifndef SUPPORT_JUDGING_H
#define SUPPORT_JUDGING_H

#include "authz/authz.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "model/identity.h"
#include "model/request.h"
#include "model/verdict.h"
#include "support/cmocka_prelude.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

/* The text with ' as ". Owned by the caller. */
static inline char *unquoted(const char *text)
{
	char *copy = strdup(text);
	assert_non_null(copy);
	for (char *c = copy; *c; c++)
		if (*c == '\'')
			*c = '"';
	return copy;
}

static inline int compile_set_text(const char *text, struct diag *d, struct authz **ret)
{
	json_t *root = json_load_strict(sv_of(text), 0, d);
	if (!root)
		return -EINVAL;
	const struct authz_document document = {
		.services = json_object_get(root, "services"),
		.policies = json_object_get(root, "policies"),
		.issuers = json_object_get(root, "issuers"),
		.roles = json_object_get(root, "roles"),
		.types = json_object_get(root, "types"),
		.default_action = json_object_get(root, "defaultAction"),
		.path_normalization = json_object_get(root, "pathNormalization"),
		.n_bytes = strlen(text),
	};
	int r = authz_compile(&document, d, ret);
	json_decref(root);
	return r;
}

static inline struct authz *set_of(const char *quoted)
{
	char *text = unquoted(quoted);
	struct diag d = diag_over("test", sv_of(text));
	struct authz *set = NULL;
	int r = compile_set_text(text, &d, &set);
	if (r != 0)
		diag_print(&d, stderr);
	assert_int_equal(r, 0);
	diag_fini(&d);
	free(text);
	return set;
}

static inline bool json_sv(const json_t *object, const char *name, struct sv *ret)
{
	const json_t *value = json_object_get(object, name);
	if (json_is_string(value))
		*ret = json_string_sv(value);
	return json_is_string(value);
}

/* req.hdrs_bin of an object; short strings only. */
static inline struct sv headers_of(const json_t *object, struct arena *scratch)
{
	char *at = arena_alloc(scratch, 8192);
	size_t n = 0;
	const char *name;
	json_t *value;
	assert_non_null(at);
	json_object_foreach((json_t *)(uintptr_t)object, name, value)
	{
		size_t count = json_is_array(value) ? json_array_size(value) : 1;
		for (size_t i = 0; i < count; i++) {
			struct sv text = json_string_sv(
				json_is_array(value) ? json_array_get(value, i) : value);
			assert_true(strlen(name) < 240 && text.n < 240);
			at[n++] = (char)strlen(name);
			memcpy(at + n, name, strlen(name));
			n += strlen(name);
			at[n++] = (char)text.n;
			if (text.n)
				memcpy(at + n, text.at, text.n);
			n += text.n;
		}
	}
	n += 2;
	return (struct sv){at, n};
}

static inline void identity_of(const json_t *in, struct arena *scratch, struct identity *ret)
{
	const json_t *claims = json_object_get(in, "claims");
	struct sv workload;
	*ret = (struct identity){0};
	if (json_sv(in, "workload", &workload))
		identity_set_workload(ret, workload);
	if (!claims)
		return;
	ret->method = AUTH_JWT;
	ret->claims = claims;
	(void)json_sv(claims, "iss", &ret->issuer);
	(void)json_sv(claims, "sub", &ret->subject);
	(void)json_sv(claims, "azp", &ret->client);
	ret->user = ret->subject;
	ret->principal =
		arena_printf(scratch, "%.*s/%.*s", SV_ARG(ret->issuer), SV_ARG(ret->subject));
	const json_t *groups = json_object_get(claims, "groups");
	struct sv *names = arena_array(scratch, json_array_size(groups) + 1, sizeof(*names));
	assert_non_null(names);
	for (size_t i = 0; names && i < json_array_size(groups); i++)
		names[ret->n_groups++] = json_string_sv(json_array_get(groups, i));
	ret->groups = names;
	struct sv *audience = arena_array(scratch, 1, sizeof(*audience));
	if (json_sv(claims, "aud", audience)) {
		ret->audiences = audience;
		ret->n_audiences = 1;
	}
}

static inline void request_of(const json_t *in, struct arena *scratch, struct request *ret)
{
	struct sv text;
	*ret = (struct request){.cert_verify = -1};
	if (json_sv(in, "kind", &text) && sv_eq(text, SVL("tcp")))
		ret->kind = REQUEST_CONNECT;
	(void)json_sv(in, "method", &ret->method);
	(void)json_sv(in, "path", &ret->path);
	(void)json_sv(in, "host", &ret->host);
	(void)json_sv(in, "service", &ret->service);
	(void)json_sv(in, "sni", &ret->sni);
	if (json_sv(in, "src", &text))
		assert_true(netaddr_parse(text, &ret->src));
	if (json_sv(in, "dst", &text))
		assert_true(netaddr_parse(text, &ret->dst));
	ret->dst_port = (uint16_t)json_integer_value(json_object_get(in, "dst_port"));
	if (json_object_get(in, "headers"))
		ret->headers = headers_of(json_object_get(in, "headers"), scratch);
}

/* Judges one request given as JSON; the verdict views in and scratch. */
static inline struct verdict judge_json(const struct authz *set, const json_t *in,
                                        struct arena *scratch)
{
	struct request request;
	struct identity who;
	struct authz_target target;
	struct verdict verdict;
	request_of(in, scratch, &request);
	identity_of(in, scratch, &who);
	bool located = authz_locate(set, &request, scratch, &target, &verdict);
	target.now_s = json_integer_value(json_object_get(in, "now"));
	if (located)
		authz_evaluate(set, &target, &request, &who, scratch, &verdict);
	return verdict;
}

/* "allow policy", "deny reason", ... : one line to compare with. Owned by the caller. */
static inline char *judged(const struct authz *set, const char *quoted)
{
	char *text = unquoted(quoted);
	struct diag d = diag_over("request", sv_of(text));
	json_t *in = json_load_strict(sv_of(text), 0, &d);
	struct arena scratch;
	char *line = NULL;
	if (!in)
		diag_print(&d, stderr);
	assert_non_null(in);
	assert_int_equal(arena_init(&scratch, REQUEST_ARENA_BYTES), 0);
	struct verdict v = judge_json(set, in, &scratch);
	struct sv by = v.policy.n ? v.policy : sv_of(reason_name(v.reason));
	assert_true(asprintf(&line, "%s %.*s", verdict_effect_name(v.effect), SV_ARG(by)) > 0);
	assert_true((v.effect == VERDICT_ALLOW) == (v.status == 200));
	arena_fini(&scratch);
	json_decref(in);
	diag_fini(&d);
	free(text);
	return line;
}

#endif
