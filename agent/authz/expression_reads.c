#include "authz/cel/json.h"
#include "authz/cel/timetext.h"
#include "authz/expression.h"
#include "core/jsontext.h"
#include "core/utf8.h"

enum { TEXT_MAX_BYTES = 256, ITEMS_MAX = 32, DEPTH_MAX = 4 };

static json_t *plain(struct cel_call *call, struct cel_value v, unsigned depth);

static json_t *text_json(struct cel_call *call, struct sv text)
{
	size_t n = TEXT_MAX_BYTES;
	if (text.n <= n)
		return json_text(text);
	while (n > 0 && ((unsigned char)text.at[n] & 0xC0) == 0x80) /* not inside a character */
		n--;
	return json_text(arena_printf(call->arena, "%.*s...", (int)n, text.at));
}

static json_t *list_json(struct cel_call *call, struct cel_value v, unsigned depth)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < v.n && i < ITEMS_MAX; i++)
		json_array_append_new(list, plain(call, v.items[i], depth + 1));
	if (list && v.n > ITEMS_MAX)
		json_array_append_new(list, json_sprintf("... %u more", v.n - (unsigned)ITEMS_MAX));
	return list;
}

static json_t *map_json(struct cel_call *call, struct cel_value v, unsigned depth)
{
	struct cel_value map = cel_map_plain(call, v);
	if (map.kind != CEL_MAP)
		return json_text(cel_text(map));
	json_t *object = json_object();
	for (size_t i = 0; object && i < map.n && i < ITEMS_MAX; i++) {
		struct sv key = cel_text(map.entries[i].key);
		if (map.entries[i].key.kind == CEL_STRING && utf8_valid(key))
			json_object_setn_new(object, key.n ? key.at : "", key.n,
			                     plain(call, map.entries[i].value, depth + 1));
	}
	if (object && map.n > ITEMS_MAX)
		json_object_set_new(object, "...",
		                    json_sprintf("%u more", map.n - (unsigned)ITEMS_MAX));
	return object;
}

static json_t *time_json(struct cel_value v)
{
	char text[CEL_TIME_TEXT_BYTES];
	return json_text(v.kind == CEL_TIMESTAMP ? cel_timestamp_text(v, text)
	                                         : cel_duration_text(v, text));
}

static json_t *address_json(struct cel_value v)
{
	char text[NETADDR_TEXT_BYTES];
	return json_text(netaddr_format(v.ip, text));
}

static json_t *plain(struct cel_call *call, struct cel_value v, unsigned depth)
{
	switch (v.kind) {
	case CEL_BOOL:
		return json_boolean(v.u);
	case CEL_INT:
		return json_integer(v.i);
	case CEL_DOUBLE:
		return json_real(v.d);
	case CEL_STRING:
		return text_json(call, cel_text(v));
	case CEL_LIST:
		return depth < DEPTH_MAX ? list_json(call, v, depth) : json_string("...");
	case CEL_MAP:
		return depth < DEPTH_MAX ? map_json(call, v, depth) : json_string("...");
	case CEL_TIMESTAMP:
	case CEL_DURATION:
		return time_json(v);
	case CEL_IP:
		return address_json(v);
	default:
		return json_null();
	}
}

static json_t *read_slot(const struct authz_expression *e, const struct authz_view *view,
                         const struct authz_captures *captures, size_t slot)
{
	struct cel_call call = {.arena = view->scratch, .steps = CEL_CONDITION_STEPS};
	json_t *name = json_text(authz_expression_slot_name(e, slot, view->scratch));
	struct cel_value value = authz_expression_slot_value(e, view, captures, slot, &call);
	if (cel_is_error(value))
		return json_pack("{s:o, s:o}", "name", name, "error", json_text(cel_text(value)));
	if (authz_expression_slot_is_secret(slot))
		return json_pack("{s:o, s:b}", "name", name, "hidden", 1);
	return json_pack("{s:o, s:o}", "name", name, "value", plain(&call, value, 0));
}

json_t *authz_expression_reads(const struct authz_expression *e, const struct authz_view *view,
                               const struct authz_captures *captures)
{
	json_t *list = json_array();
	for (size_t i = 0; list && i < authz_expression_slots(e); i++) {
		if (!e->program.uses[i])
			continue;
		if (json_array_append_new(list, read_slot(e, view, captures, i)) == 0)
			continue;
		json_decref(list);
		return NULL;
	}
	return list;
}
