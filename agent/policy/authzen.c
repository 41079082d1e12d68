#include "policy/authzen.h"

#include "authz/authz.h"
#include "authz/relation_check.h"
#include "core/arena.h"
#include "core/jsonload.h"
#include "model/decision.h"
#include "policy/decide.h"
#include "policy/explain.h"
#include "policy/policy.h"
#include "policy/relations.h"

#include <string.h>

/* ---- its form ---- */

bool authzen_well_formed(const json_t *evaluation, const char **ret_pointer)
{
	static const struct {
		const char *object, *member, *pointer;
	} needed[] = {
		{"subject", "type", "/subject/type"}, {"subject", "id", "/subject/id"},
		{"action", "name", "/action/name"},   {"resource", "type", "/resource/type"},
		{"resource", "id", "/resource/id"},
	};
	static const struct {
		const char *object, *member, *pointer;
	} objects[] = {
		{"subject", "properties", "/subject/properties"},
		{"action", "properties", "/action/properties"},
		{"resource", "properties", "/resource/properties"},
	};
	for (size_t i = 0; i < ARRAY_LEN(needed); i++) {
		const json_t *object = json_object_get(evaluation, needed[i].object);
		*ret_pointer = needed[i].pointer;
		if (json_string_sv(json_object_get(object, needed[i].member)).n == 0)
			return false;
	}
	for (size_t i = 0; i < ARRAY_LEN(objects); i++) {
		const json_t *object = json_object_get(evaluation, objects[i].object);
		const json_t *member = json_object_get(object, objects[i].member);
		*ret_pointer = objects[i].pointer;
		if (member && !json_is_object(member))
			return false;
	}
	*ret_pointer = "/context";
	const json_t *context = json_object_get(evaluation, "context");
	return !context || json_is_object(context);
}

/* ---- as a question to the relations ---- */

static struct sv text_of(const json_t *evaluation, const char *object, const char *member)
{
	return json_string_sv(json_object_get(json_object_get(evaluation, object), member));
}

static bool make_ref(const json_t *evaluation, const char *object, struct arena *arena,
                     struct relation_ref *ret)
{
	const char *why;
	size_t at;
	struct sv type = text_of(evaluation, object, "type"),
		  id = text_of(evaluation, object, "id");
	return relation_ref_parse(arena_printf(arena, "%.*s:%.*s", SV_ARG(type), SV_ARG(id)), ret,
	                          &why, &at) &&
	       ret->relation.n == 0 && sv_eq(ret->id, id);
}

static const struct relation_def *relation_of(const struct policy *policy, const json_t *evaluation)
{
	const struct relation_model *model = policy ? authz_relations(policy_authz(policy)) : NULL;
	return model ? relation_def_find(
			       relation_type_find(model, text_of(evaluation, "resource", "type")),
			       text_of(evaluation, "action", "name"))
	             : NULL;
}

static void note_tuple(struct verdict *verdict, const struct relation_question *q,
                       struct arena *arena)
{
	verdict->why[0] =
		(struct why){.condition = SV("related()"),
	                     .value = arena_printf(arena, "%.*s#%.*s@%.*s", SV_ARG(q->object.text),
	                                           SV_ARG(q->relation), SV_ARG(q->subject.text)),
	                     .held = verdict->effect == VERDICT_ALLOW};
	verdict->n_why = 1;
}

static void ask_relations(const struct policy *policy, const json_t *evaluation,
                          const struct policy_tables_view *tables, struct arena *arena,
                          struct decision *ret)
{
	struct relation_question q = {.model = authz_relations(policy_authz(policy)),
	                              .tuples = policy_relations_of(tables),
	                              .relation = text_of(evaluation, "action", "name")};
	ret->verdict = verdict_deny(REASON_BAD_REQUEST);
	if (!make_ref(evaluation, "resource", arena, &q.object) ||
	    !make_ref(evaluation, "subject", arena, &q.subject) || sv_eq(q.object.id, SVL("*")))
		return;
	ret->verdict = verdict_deny(REASON_NO_POLICY_MATCHED);
	if (relation_check(&q) == RELATION_YES) {
		ret->verdict.effect = VERDICT_ALLOW;
		ret->verdict.reason = REASON_POLICY_ALLOWED;
		ret->verdict.status = 200;
	}
	ret->identity.user = text_of(evaluation, "subject", "id");
	note_tuple(&ret->verdict, &q, arena);
}

/* ---- as a request ---- */

/* "https://h/p?q" has the host "h" and the path "/p?q". */
static bool split_url(struct sv url, struct sv *host, struct sv *path)
{
	size_t slashes = sv_find(url, '/');
	if (slashes == 0 || slashes == url.n || url.at[slashes - 1] != ':' ||
	    !sv_starts(sv_from(url, slashes), SVL("//")))
		return false;
	struct sv rest = sv_from(url, slashes + 2);
	size_t n = sv_find(rest, '/');
	*host = sv_first(rest, n);
	*path = n < rest.n ? sv_from(rest, n) : SVL("/");
	return true;
}

/* What of a resource says where it is. */
static void locate(const json_t *evaluation, struct sv *host, struct sv *path)
{
	const json_t *resource = json_object_get(evaluation, "resource");
	const json_t *said = json_object_get(resource, "properties");
	struct sv id = json_string_sv(json_object_get(resource, "id"));
	if (!split_url(json_string_sv(json_object_get(said, "uri")), host, path) &&
	    !split_url(id, host, path) && sv_starts(id, SVL("/")))
		*path = id;
	struct sv hostname = json_string_sv(json_object_get(said, "hostname"));
	if (hostname.n == 0)
		hostname = json_string_sv(json_object_get(said, "host"));
	struct sv own = json_string_sv(json_object_get(said, "path"));
	*host = hostname.n ? hostname : *host;
	*path = own.n ? own : *path;
}

static bool put(json_t *into, const char *name, struct sv text)
{
	return text.n == 0 || json_object_set_new(into, name, json_stringn(text.at, text.n)) == 0;
}

static bool put_path(json_t *into, struct sv path)
{
	size_t n = sv_find(path, '?');
	return put(into, "path", sv_first(path, n)) && put(into, "query", sv_from(path, n + 1));
}

/* in: name: of a method, in any case */
static bool put_method(json_t *into, struct sv name)
{
	char text[32];
	for (size_t i = 0; i < name.n && name.n < sizeof(text); i++)
		text[i] = name.at[i] >= 'a' && name.at[i] <= 'z' ? (char)(name.at[i] - ('a' - 'A'))
		                                                 : name.at[i];
	return put(into, "method", name.n < sizeof(text) ? (struct sv){text, name.n} : name);
}

static bool is_workload(struct sv type)
{
	return sv_eq(type, SVL("workload")) || sv_eq(type, SVL("spiffe"));
}

static bool put_subject(json_t *into, const json_t *evaluation)
{
	const json_t *subject = json_object_get(evaluation, "subject");
	struct sv id = json_string_sv(json_object_get(subject, "id"));
	if (is_workload(json_string_sv(json_object_get(subject, "type"))))
		return put(into, "workload", id);
	json_t *claims = json_deep_copy(json_object_get(subject, "properties"));
	if (!claims)
		claims = json_object();
	bool good = claims && (json_object_get(claims, "sub") || put(claims, "sub", id));
	return json_object_set_new(into, "claims", claims) == 0 && good;
}

/* The request as `haward explain` takes it; owned. NULL: no memory */
static json_t *request_of(const json_t *evaluation)
{
	const json_t *context = json_object_get(evaluation, "context");
	const json_t *action = json_object_get(evaluation, "action");
	const json_t *resource =
		json_object_get(json_object_get(evaluation, "resource"), "properties");
	struct sv method =
		json_string_sv(json_object_get(json_object_get(action, "properties"), "method"));
	struct sv ip = json_string_sv(json_object_get(resource, "ip"));
	struct sv host = {0}, path = {0};
	json_t *headers = json_object_get(context, "headers"), *ret = json_object();
	locate(evaluation, &host, &path);
	if (method.n == 0)
		method = json_string_sv(json_object_get(action, "name"));
	if (ip.n == 0)
		ip = json_string_sv(json_object_get(context, "ip"));
	bool good = ret && put(ret, "kind", SVL("request")) && put(ret, "host", host) &&
	            put_path(ret, path) && put_method(ret, method) && put(ret, "src", ip) &&
	            put(ret, "service", json_string_sv(json_object_get(resource, "service"))) &&
	            put_subject(ret, evaluation) &&
	            (!headers || json_object_set(ret, "headers", headers) == 0);
	if (good)
		return ret;
	json_decref(ret);
	return NULL;
}

static void ask_policies(const struct policy *policy, const struct policy_tables_view *tables,
                         int64_t now_us, struct arena *arena, struct authzen_case *ret)
{
	struct question question;
	struct decide_ctx ctx = {.arena = arena, .now_us = now_us, .tables = tables};
	struct diag diag = diag_over(NULL, (struct sv){0});
	if (question_read(ret->request, 0, "", arena, &diag, &question)) {
		ret->asked = question.request;
		if (!question_decide(policy, &ctx, &question, &ret->decision))
			ret->decision.verdict = verdict_deny(REASON_BAD_REQUEST);
	}
	diag_fini(&diag);
}

void authzen_decide(const struct policy *policy, const json_t *evaluation,
                    const struct policy_tables_view *tables, int64_t now_us, struct arena *arena,
                    struct authzen_case *ret)
{
	*ret = (struct authzen_case){.decision = {.verdict = verdict_deny(REASON_BAD_REQUEST)}};
	ret->asked.kind = REQUEST_HTTP;
	ret->asked.method = text_of(evaluation, "action", "name");
	if (relation_of(policy, evaluation)) {
		ask_relations(policy, evaluation, tables, arena, &ret->decision);
	} else {
		ret->request = request_of(evaluation);
		if (ret->request)
			ask_policies(policy, tables, now_us, arena, ret);
	}
	ret->decision.at_us = now_us;
	ret->decision.policy_version = policy ? policy_version(policy) : 0;
}

void authzen_case_fini(struct authzen_case *one)
{
	json_decref(one->request);
}

json_t *authzen_answer(const struct decision *decision)
{
	static const char *const members[] = {"reason", "text",    "status",
	                                      "policy", "service", "why"};
	char room[EVENT_ID_TEXT_BYTES + 1];
	json_t *all = policy_explain(decision), *context = json_object();
	policy_explain_words(json_object_get(all, "why"));
	for (size_t i = 0; i < ARRAY_LEN(members); i++)
		(void)json_object_set(context, members[i], json_object_get(all, members[i]));
	if (event_id_is_set(&decision->event))
		(void)put(context, "event", event_id_text(&decision->event, room));
	json_decref(all);
	return json_pack("{s:b, s:o}", "decision", decision->verdict.effect == VERDICT_ALLOW,
	                 "context", context);
}
