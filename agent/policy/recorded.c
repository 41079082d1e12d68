#include "policy/recorded.h"

#include "audit/record.h"
#include "core/arena.h"
#include "core/jsonload.h"

#include <jansson.h>

static bool read_list(const struct audit_list *list, struct arena *arena, const struct sv **ret,
                      size_t *ret_n)
{
	struct audit_list rest = *list;
	struct sv item;
	size_t n = 0;
	while (audit_list_next(&rest, &item))
		n++;
	struct sv *items = n ? arena_array(arena, n, sizeof(*items)) : NULL;
	if (n > 0 && !items)
		return false;
	rest = *list;
	for (size_t i = 0; i < n && audit_list_next(&rest, &item); i++)
		items[i] = item;
	*ret = items;
	*ret_n = n;
	return true;
}

static void read_request(const struct audit_record *record, struct request *ret)
{
	*ret = (struct request){
		.kind = record->kind == AUDIT_CONNECTION ? REQUEST_CONNECT : REQUEST_HTTP,
		.id = record->request_id,
		.service = record->service,
		.method = record->method,
		.path = record->path,
		.host = record->host,
		.src = record->src,
		.dst = record->dst,
		.src_port = (uint16_t)record->src_port,
		.dst_port = (uint16_t)record->dst_port,
		.cert_verify = -1,
		.sni = record->sni,
		.user_agent = record->user_agent,
	};
}

static bool join_principal(struct arena *arena, struct identity *who)
{
	if (who->issuer.n == 0 || who->subject.n == 0)
		return true;
	who->principal =
		arena_printf(arena, "%.*s/%.*s", SV_ARG(who->issuer), SV_ARG(who->subject));
	return who->principal.n > 0;
}

static json_t *kept_claims(const struct identity *who)
{
	json_t *claims = json_object();
	if (who->issuer.n)
		json_object_set_new(claims, "iss", json_stringn(who->issuer.at, who->issuer.n));
	if (who->subject.n)
		json_object_set_new(claims, "sub", json_stringn(who->subject.at, who->subject.n));
	return claims;
}

static bool read_user(const struct audit_record *record, struct arena *arena, json_t **ret_claims,
                      struct identity *ret)
{
	ret->method = record->auth_method;
	ret->user = record->user;
	ret->subject = record->subject.n ? record->subject : record->user;
	ret->issuer = record->issuer;
	ret->client = record->client;
	if (!read_list(&record->groups, arena, &ret->groups, &ret->n_groups) ||
	    !read_list(&record->scopes, arena, &ret->scopes, &ret->n_scopes) ||
	    !join_principal(arena, ret))
		return false;
	ret->claims = *ret_claims = kept_claims(ret);
	return ret->claims;
}

bool recorded_read(const struct audit_record *record, struct arena *arena, struct recorded *ret)
{
	if (record->kind != AUDIT_REQUEST && record->kind != AUDIT_CONNECTION)
		return false;
	bool has_user = record->user.n > 0;
	*ret = (struct recorded){.who.recorded = true};
	read_request(record, &ret->request);
	if (has_user && !read_user(record, arena, &ret->claims, &ret->who))
		return false;
	if (record->workload.n > 0) {
		/* how it proved that stands in the book only where there was no user beside it */
		ret->who.workload_method = has_user ? AUTH_MTLS : record->auth_method;
		identity_set_workload(&ret->who, record->workload);
	}
	return true;
}

void recorded_fini(struct recorded *recorded)
{
	json_decref(recorded->claims);
	recorded->claims = NULL;
	recorded->who.claims = NULL;
}
