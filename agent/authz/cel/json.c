#include "authz/cel/json.h"

#include "authz/cel/numbers.h"
#include "authz/cel/timetext.h"
#include "core/encode.h"
#include "core/jsonload.h"
#include "core/netaddr.h"

#include <stdio.h>
#include <stdlib.h>

enum { DEPTH_MAX = 64 };

/* ---- plain ---- */

static bool find_member(struct cel_call *call, const void *context, struct sv key,
                        struct cel_value *ret)
{
	const json_t *value = json_object_getn(context, key.at ? key.at : "", key.n);
	if (!value)
		return false;
	*ret = cel_of_json(call, value);
	return true;
}

static struct cel_value all_members(struct cel_call *call, const void *context)
{
	size_t room = json_object_size(context), n = 0;
	struct cel_entry *entries = cel_charge(call, room)
	                                    ? arena_array(call->arena, room + 1, sizeof(*entries))
	                                    : NULL;
	if (!entries)
		return cel_out_of_memory(call);
	/* jansson's iterator takes what it never changes as if it did */
	union {
		const void *is;
		json_t *was;
	} object = {context};
	for (void *at = json_object_iter(object.was); at && n < room;
	     at = json_object_iter_next(object.was, at)) {
		struct sv key = {json_object_iter_key(at), json_object_iter_key_len(at)};
		entries[n].key = cel_string(key);
		entries[n].value = cel_of_json(call, json_object_iter_value(at));
		if (cel_is_error(entries[n++].value))
			return entries[n - 1].value;
	}
	return cel_map(entries, n);
}

static struct cel_value map_of(struct cel_call *call, const json_t *object)
{
	struct cel_lazy_map *lazy = arena_alloc(call->arena, sizeof(*lazy));
	if (!lazy)
		return cel_out_of_memory(call);
	*lazy = (struct cel_lazy_map){find_member, all_members, object};
	return cel_lazy(lazy);
}

/* Depth is that of the document, which its reader has bounded. */
static struct cel_value list_of(struct cel_call *call, const json_t *array)
{
	size_t n = json_array_size(array);
	struct cel_value *items =
		cel_charge(call, n) ? arena_array(call->arena, n + 1, sizeof(*items)) : NULL;
	if (!items)
		return cel_out_of_memory(call);
	for (size_t i = 0; i < n; i++) {
		items[i] = cel_of_json(call, json_array_get(array, i));
		if (cel_is_error(items[i]))
			return items[i];
	}
	return cel_list(items, n);
}

struct cel_value cel_of_json(struct cel_call *call, const json_t *json)
{
	switch (json_typeof(json)) {
	case JSON_OBJECT:
		return map_of(call, json);
	case JSON_ARRAY:
		return list_of(call, json);
	case JSON_STRING:
		return cel_string(json_string_sv(json));
	case JSON_INTEGER:
		return cel_int(json_integer_value(json));
	case JSON_REAL:
		return cel_double(json_real_value(json));
	case JSON_TRUE:
	case JSON_FALSE:
		return cel_bool(json_is_true(json));
	case JSON_NULL:
		break;
	}
	return cel_null();
}

/* ---- typed, in ---- */

static struct cel_value of_typed(struct cel_call *call, const json_t *json, unsigned depth);

static struct cel_value wrong(struct cel_call *call, const char *type)
{
	return cel_errorf(call, "the value is no %s", type);
}

static struct cel_value number_of(struct cel_call *call, struct sv type, const json_t *value)
{
	struct sv text = json_string_sv(value);
	struct cel_value ret;
	if (sv_eq(type, SVL("int"))) {
		ret = cel_int(0);
		return cel_int_read(text, &ret.i) ? ret : wrong(call, "int");
	}
	if (sv_eq(type, SVL("uint"))) {
		ret = cel_uint(0);
		return cel_uint_read(text, &ret.u) ? ret : wrong(call, "uint");
	}
	ret = cel_double(0);
	return cel_double_read(text, &ret.d) ? ret : wrong(call, "double");
}

static struct cel_value bytes_of(struct cel_call *call, const json_t *value)
{
	struct sv text = json_string_sv(value);
	size_t n = 0;
	uint8_t *room = arena_alloc(call->arena, BASE64_DECODED_MAX(text.n) + 1);
	if (!room)
		return cel_out_of_memory(call);
	if (!json_is_string(value) || (text.n > 0 && !base64_decode(text, room, &n)))
		return wrong(call, "bytes in base64");
	return cel_bytes((struct sv){(const char *)room, n});
}

static struct cel_value time_of(struct cel_call *call, struct sv type, const json_t *value)
{
	int64_t seconds = 0;
	json_int_t nanos = json_integer_value(json_object_get(value, "nanos"));
	bool is_timestamp = sv_eq(type, SVL("timestamp"));
	if (!cel_int_read(json_string_sv(json_object_get(value, "seconds")), &seconds) ||
	    nanos <= -1000000000 || nanos >= 1000000000)
		return wrong(call, is_timestamp ? "timestamp" : "duration");
	if (nanos < 0) {
		nanos += 1000000000;
		seconds--;
	}
	return is_timestamp ? cel_timestamp(seconds, (uint32_t)nanos)
	                    : cel_duration(seconds, (uint32_t)nanos);
}

static struct cel_value typed_list(struct cel_call *call, const json_t *value, unsigned depth)
{
	size_t n = json_array_size(value);
	struct cel_value *items = arena_array(call->arena, n + 1, sizeof(*items));
	if (!json_is_array(value))
		return wrong(call, "list");
	if (!items)
		return cel_out_of_memory(call);
	for (size_t i = 0; i < n; i++) {
		items[i] = of_typed(call, json_array_get(value, i), depth);
		if (cel_is_error(items[i]))
			return items[i];
	}
	return cel_list(items, n);
}

static struct cel_value typed_map(struct cel_call *call, const json_t *value, unsigned depth)
{
	size_t n = json_array_size(value);
	struct cel_entry *entries = arena_array(call->arena, n + 1, sizeof(*entries));
	struct cel_value ignored;
	if (!json_is_array(value))
		return wrong(call, "map");
	if (!entries)
		return cel_out_of_memory(call);
	for (size_t i = 0; i < n; i++) {
		const json_t *pair = json_array_get(value, i);
		entries[i].key = of_typed(call, json_array_get(pair, 0), depth);
		entries[i].value = of_typed(call, json_array_get(pair, 1), depth);
		if (cel_is_error(entries[i].key) || cel_is_error(entries[i].value))
			return cel_is_error(entries[i].key) ? entries[i].key : entries[i].value;
		if (!cel_map_key(entries[i].key) ||
		    cel_map_find(call, cel_map(entries, i), entries[i].key, &ignored))
			return wrong(call, "map with keys of their own");
	}
	return cel_map(entries, n);
}

static struct cel_value of_typed(struct cel_call *call, const json_t *json, unsigned depth)
{
	struct sv type = json_string_sv(json_object_get(json, "type"));
	const json_t *value = json_object_get(json, "value");
	if (depth >= DEPTH_MAX)
		return cel_error("the value is nested too deeply");
	if (sv_eq(type, SVL("null")) || sv_eq(type, SVL("null_type")))
		return cel_null();
	if (sv_eq(type, SVL("bool")))
		return json_is_boolean(value) ? cel_bool(json_is_true(value)) : wrong(call, "bool");
	if (sv_eq(type, SVL("int")) || sv_eq(type, SVL("uint")) || sv_eq(type, SVL("double")))
		return number_of(call, type, value);
	if (sv_eq(type, SVL("string")))
		return json_is_string(value) ? cel_string(json_string_sv(value))
		                             : wrong(call, "string");
	if (sv_eq(type, SVL("bytes")))
		return bytes_of(call, value);
	if (sv_eq(type, SVL("list")))
		return typed_list(call, value, depth + 1);
	if (sv_eq(type, SVL("map")))
		return typed_map(call, value, depth + 1);
	if (sv_eq(type, SVL("timestamp")) || sv_eq(type, SVL("duration")))
		return time_of(call, type, value);
	if (sv_eq(type, SVL("type")))
		return json_is_string(value) ? cel_type_value(json_string_sv(value))
		                             : wrong(call, "type");
	return cel_errorf(call, "there is no type '%.*s' of values",
	                  (int)MIN_OF(type.n, (size_t)40), type.at ? type.at : "");
}

struct cel_value cel_of_typed(struct cel_call *call, const json_t *json)
{
	return of_typed(call, json, 0);
}

/* ---- typed, out ---- */

static json_t *to_typed(struct cel_call *call, struct cel_value v, unsigned depth);

static json_t *typed(const char *type, json_t *value)
{
	return value ? json_pack("{s:s, s:o}", "type", type, "value", value) : NULL;
}

static json_t *text_json(struct sv text)
{
	return json_stringn(text.at ? text.at : "", text.n);
}

static json_t *bytes_json(struct cel_call *call, struct sv bytes)
{
	char *room = arena_alloc(call->arena, BASE64_ENCODED_MAX(bytes.n) + 1);
	return room ? text_json(base64_encode(bytes, room)) : NULL;
}

/* A negative span has negative nanoseconds there. */
static json_t *time_json(struct cel_value v)
{
	char seconds[24];
	bool is_negative = v.kind == CEL_DURATION && v.i < 0 && v.n > 0;
	(void)snprintf(seconds, sizeof(seconds), "%lld", (long long)(v.i + is_negative));
	return json_pack("{s:s, s:i}", "seconds", seconds, "nanos",
	                 is_negative ? (int)v.n - 1000000000 : (int)v.n);
}

static json_t *list_json(struct cel_call *call, struct cel_value v, unsigned depth)
{
	json_t *array = json_array();
	for (uint32_t i = 0; i < v.n; i++)
		if (json_array_append_new(array, to_typed(call, v.items[i], depth)) != 0) {
			json_decref(array);
			return NULL;
		}
	return array;
}

static json_t *map_json(struct cel_call *call, struct cel_value v, unsigned depth)
{
	struct cel_value map = cel_map_plain(call, v);
	json_t *array = map.kind == CEL_MAP ? json_array() : NULL;
	for (uint32_t i = 0; array && i < map.n; i++) {
		json_t *key = to_typed(call, map.entries[i].key, depth);
		json_t *value = to_typed(call, map.entries[i].value, depth);
		if (json_array_append_new(array, json_pack("[o, o]", key, value)) != 0) {
			json_decref(array);
			return NULL;
		}
	}
	return array;
}

static json_t *number_json(struct cel_value v)
{
	char text[CEL_DOUBLE_TEXT_BYTES];
	if (v.kind == CEL_INT)
		(void)snprintf(text, sizeof(text), "%lld", (long long)v.i);
	else if (v.kind == CEL_UINT)
		(void)snprintf(text, sizeof(text), "%llu", (unsigned long long)v.u);
	else
		(void)cel_double_text(v.d, text);
	return json_string(text);
}

static json_t *named(struct cel_call *call, struct cel_value v, const char *type)
{
	char text[NETADDR_TEXT_BYTES];
	if (v.kind == CEL_IP)
		return typed(type, text_json(netaddr_format(v.ip, text)));
	struct sv base = netaddr_format(&v.cidr->base, text);
	return typed(type, text_json(arena_printf(call->arena, "%.*s/%u", SV_ARG(base),
	                                          (unsigned)v.cidr->n_bits)));
}

static json_t *to_typed(struct cel_call *call, struct cel_value v, unsigned depth)
{
	if (depth >= DEPTH_MAX)
		return NULL;
	switch ((enum cel_kind)v.kind) {
	case CEL_NULL:
		return typed("null_type", json_null());
	case CEL_BOOL:
		return typed("bool", json_boolean(v.u));
	case CEL_INT:
		return typed("int", number_json(v));
	case CEL_UINT:
		return typed("uint", number_json(v));
	case CEL_DOUBLE:
		return typed("double", number_json(v));
	case CEL_STRING:
		return typed("string", text_json(cel_text(v)));
	case CEL_BYTES:
		return typed("bytes", bytes_json(call, cel_text(v)));
	case CEL_LIST:
		return typed("list", list_json(call, v, depth + 1));
	case CEL_MAP:
		return typed("map", map_json(call, v, depth + 1));
	case CEL_TYPE:
		return typed("type", text_json(cel_text(v)));
	case CEL_TIMESTAMP:
		return typed("timestamp", time_json(v));
	case CEL_DURATION:
		return typed("duration", time_json(v));
	case CEL_OPTIONAL:
		return typed("optional_type",
		             v.some ? to_typed(call, *v.some, depth + 1) : json_null());
	case CEL_IP:
		return named(call, v, "net.IP");
	case CEL_CIDR:
		return named(call, v, "net.CIDR");
	case CEL_ERROR:
	case CEL_KIND_COUNT:
		break;
	}
	return NULL;
}

json_t *cel_to_typed(struct cel_call *call, struct cel_value value)
{
	return to_typed(call, value, 0);
}
