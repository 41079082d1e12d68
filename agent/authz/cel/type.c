#include "authz/cel/type.h"

#include <string.h>

const struct cel_type cel_type_dyn = {.kind = CEL_TYPE_DYN};

#define PLAIN(k) [k] = {.kind = CEL_TYPE_PLAIN, .value_kind = (k)}
static const struct cel_type plain[CEL_KIND_COUNT] = {
	PLAIN(CEL_NULL),     PLAIN(CEL_BOOL),   PLAIN(CEL_INT),   PLAIN(CEL_UINT),
	PLAIN(CEL_DOUBLE),   PLAIN(CEL_STRING), PLAIN(CEL_BYTES), PLAIN(CEL_TIMESTAMP),
	PLAIN(CEL_DURATION), PLAIN(CEL_IP),     PLAIN(CEL_CIDR),
};

const struct cel_type *cel_type_plain(enum cel_kind kind)
{
	return &plain[kind];
}

static struct cel_type *new_type(struct cel_types *types, struct cel_type type)
{
	struct cel_type *ret = arena_alloc(types->keep, sizeof(*ret));
	if (ret)
		*ret = type;
	else
		types->is_full = true;
	return ret;
}

const struct cel_type *cel_type_of(struct cel_types *types, enum cel_type_kind kind,
                                   const struct cel_type *a, const struct cel_type *b)
{
	if (!a || (kind == CEL_TYPE_MAP && !b))
		return NULL;
	return new_type(types,
	                (struct cel_type){.kind = (uint8_t)kind, .n = b ? 2 : 1, .of = {a, b}});
}

const struct cel_type *cel_type_param(struct cel_types *types)
{
	return new_type(types, (struct cel_type){.kind = CEL_TYPE_PARAM});
}

/* ---- reading ---- */

static const struct {
	struct sv name;
	uint8_t kind, n, value_kind;
} names[] = {
	{SV("dyn"), CEL_TYPE_DYN, 0, 0},
	{SV("null"), CEL_TYPE_PLAIN, 0, CEL_NULL},
	{SV("null_type"), CEL_TYPE_PLAIN, 0, CEL_NULL},
	{SV("bool"), CEL_TYPE_PLAIN, 0, CEL_BOOL},
	{SV("int"), CEL_TYPE_PLAIN, 0, CEL_INT},
	{SV("uint"), CEL_TYPE_PLAIN, 0, CEL_UINT},
	{SV("double"), CEL_TYPE_PLAIN, 0, CEL_DOUBLE},
	{SV("string"), CEL_TYPE_PLAIN, 0, CEL_STRING},
	{SV("bytes"), CEL_TYPE_PLAIN, 0, CEL_BYTES},
	{SV("timestamp"), CEL_TYPE_PLAIN, 0, CEL_TIMESTAMP},
	{SV("google.protobuf.Timestamp"), CEL_TYPE_PLAIN, 0, CEL_TIMESTAMP},
	{SV("duration"), CEL_TYPE_PLAIN, 0, CEL_DURATION},
	{SV("google.protobuf.Duration"), CEL_TYPE_PLAIN, 0, CEL_DURATION},
	{SV("net.IP"), CEL_TYPE_PLAIN, 0, CEL_IP},
	{SV("net.CIDR"), CEL_TYPE_PLAIN, 0, CEL_CIDR},
	{SV("list"), CEL_TYPE_LIST, 1, 0},
	{SV("map"), CEL_TYPE_MAP, 2, 0},
	{SV("type"), CEL_TYPE_OF, 1, 0},
	{SV("optional_type"), CEL_TYPE_OPTIONAL, 1, 0},
	{SV("optional"), CEL_TYPE_OPTIONAL, 1, 0},
};

struct reading {
	struct cel_types *types;
	struct sv rest;
	const struct cel_type **params;
	unsigned depth;
};

static const struct cel_type *read_type(struct reading *r);

static void skip_blanks(struct reading *r)
{
	while (r->rest.n > 0 && r->rest.at[0] == ' ')
		r->rest = sv_from(r->rest, 1);
}

static bool take(struct reading *r, char c)
{
	skip_blanks(r);
	if (r->rest.n == 0 || r->rest.at[0] != c)
		return false;
	r->rest = sv_from(r->rest, 1);
	return true;
}

static bool read_parameters(struct reading *r, struct cel_type *type)
{
	if (!take(r, '('))
		return true;
	do {
		const struct cel_type *of = type->n < CEL_TYPE_PARAMS_MAX ? read_type(r) : NULL;
		if (!of)
			return false;
		type->of[type->n++] = of;
	} while (take(r, ','));
	return take(r, ')');
}

static const struct cel_type *param_of(struct reading *r, char letter)
{
	const struct cel_type **param = &r->params[letter - 'A'];
	if (!*param)
		*param = cel_type_param(r->types);
	return *param;
}

/* Without its parameters a list is one of anything. */
static const struct cel_type *complete(struct reading *r, struct cel_type *type, unsigned wanted)
{
	if (type->n == 0)
		for (; type->n < wanted; type->n++)
			type->of[type->n] = &cel_type_dyn;
	if (type->kind != CEL_TYPE_NAMED && type->n != wanted)
		return NULL;
	return new_type(r->types, *type);
}

static const struct cel_type *read_type(struct reading *r)
{
	size_t n = 0;
	skip_blanks(r);
	while (n < r->rest.n && !strchr(" (),", r->rest.at[n]))
		n++;
	struct sv name = sv_first(r->rest, n);
	r->rest = sv_from(r->rest, n);
	if (n == 0 || r->depth > 8)
		return NULL;
	if (n == 1 && r->params && name.at[0] >= 'A' && name.at[0] <= 'Z')
		return param_of(r, name.at[0]);
	r->depth++;
	struct cel_type type = {.kind = CEL_TYPE_NAMED, .name = name};
	unsigned wanted = 0;
	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		if (!sv_eq(names[i].name, name))
			continue;
		type = (struct cel_type){.kind = names[i].kind, .value_kind = names[i].value_kind};
		wanted = names[i].n;
	}
	bool good = read_parameters(r, &type);
	r->depth--;
	return good ? complete(r, &type, wanted) : NULL;
}

const struct cel_type *cel_type_parse(struct cel_types *types, struct sv text,
                                      const struct cel_type *params[26])
{
	struct reading r = {.types = types, .rest = text, .params = params};
	const struct cel_type *type = read_type(&r);
	skip_blanks(&r);
	return r.rest.n == 0 ? type : NULL;
}

/* ---- binding, and taking it back ---- */

const struct cel_type *cel_type_known(const struct cel_type *type)
{
	while (type->kind == CEL_TYPE_PARAM && type->bound)
		type = type->bound;
	return type;
}

static bool grow(struct cel_types *types)
{
	size_t room = types->room ? 2 * types->room : 16;
	struct cel_type **bound = arena_array(types->keep, room, sizeof(struct cel_type *));
	const struct cel_type **before = arena_array(types->keep, room, sizeof(struct cel_type *));
	if (!bound || !before) {
		types->is_full = true;
		return false;
	}
	if (types->n_bound) {
		memcpy(bound, types->bound, types->n_bound * sizeof(struct cel_type *));
		memcpy(before, types->before, types->n_bound * sizeof(struct cel_type *));
	}
	types->bound = bound;
	types->before = before;
	types->room = room;
	return true;
}

/* Parameters are the only types that change, and all of them were made by cel_type_param(). */
static void bind(struct cel_types *types, const struct cel_type *param, const struct cel_type *to)
{
	union {
		const struct cel_type *is;
		struct cel_type *was;
	} made = {param};
	if (types->n_bound == types->room && !grow(types))
		return;
	types->bound[types->n_bound] = made.was;
	types->before[types->n_bound++] = made.was->bound;
	made.was->bound = to;
}

void cel_types_back(struct cel_types *types, size_t mark)
{
	while (types->n_bound > mark) {
		types->n_bound--;
		types->bound[types->n_bound]->bound = types->before[types->n_bound];
	}
}

static bool occurs(const struct cel_type *param, const struct cel_type *in)
{
	if (param == in)
		return true;
	if (in->kind == CEL_TYPE_PARAM)
		return in->bound && occurs(param, in->bound);
	for (unsigned i = 0; i < in->n; i++)
		if (occurs(param, in->of[i]))
			return true;
	return false;
}

bool cel_type_same(const struct cel_type *a, const struct cel_type *b)
{
	if (a == b)
		return true;
	if (a->kind != b->kind || a->kind == CEL_TYPE_PARAM || a->n != b->n ||
	    a->value_kind != b->value_kind || !sv_eq(a->name, b->name))
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!cel_type_same(a->of[i], b->of[i]))
			return false;
	return true;
}

/* Whether a says no more than b: dyn says nothing. */
static bool is_looser(const struct cel_type *a, const struct cel_type *b)
{
	if (a->kind == CEL_TYPE_DYN || a->kind == CEL_TYPE_PARAM)
		return true;
	if (b->kind == CEL_TYPE_DYN || b->kind == CEL_TYPE_PARAM || a->kind != b->kind ||
	    a->n != b->n)
		return false;
	if (a->kind == CEL_TYPE_OF)
		return true;
	if (a->value_kind != b->value_kind || !sv_eq(a->name, b->name))
		return false;
	for (unsigned i = 0; i < a->n; i++)
		if (!is_looser(a->of[i], b->of[i]))
			return false;
	return true;
}

/* Null stands for whatever is there or not: the other is what there may be. */
static const struct cel_type *most_general(const struct cel_type *a, const struct cel_type *b)
{
	if (cel_type_is(a, CEL_NULL))
		return b;
	return cel_type_is(b, CEL_NULL) || is_looser(a, b) ? a : b;
}

/* ---- what goes for what ---- */

static bool takes(struct cel_types *types, const struct cel_type *a, const struct cel_type *b);

enum substitution { IS_OPEN, DOES, DOES_NOT };

/* Whether the parameter may stand for the type, by what it stands for already. */
static enum substitution substitute(struct cel_types *types, const struct cel_type *type,
                                    const struct cel_type *param)
{
	if (type == param)
		return DOES;
	if (!param->bound) {
		if (occurs(param, type))
			return IS_OPEN;
		bind(types, param, type);
		return DOES;
	}
	const struct cel_type *known = param->bound;
	if (cel_type_same(type, known))
		return DOES;
	if (!takes(types, type, known))
		return DOES_NOT;
	const struct cel_type *general = most_general(type, param->bound);
	if (!occurs(param, general))
		bind(types, param, general);
	return DOES;
}

static bool takes_null(const struct cel_type *other)
{
	return other->kind == CEL_TYPE_OPTIONAL || other->kind == CEL_TYPE_NAMED ||
	       (other->kind == CEL_TYPE_PLAIN &&
	        (other->value_kind == CEL_NULL || other->value_kind >= CEL_TIMESTAMP));
}
_Static_assert(CEL_TIMESTAMP > CEL_TYPE && CEL_CIDR > CEL_TIMESTAMP, "messages come last");

static bool takes_structure(struct cel_types *types, const struct cel_type *a,
                            const struct cel_type *b)
{
	if (a->kind != b->kind || a->n != b->n || a->value_kind != b->value_kind ||
	    !sv_eq(a->name, b->name))
		return false;
	for (unsigned i = 0; a->kind != CEL_TYPE_OF && i < a->n; i++)
		if (!takes(types, a->of[i], b->of[i]))
			return false;
	return true;
}

static bool takes(struct cel_types *types, const struct cel_type *a, const struct cel_type *b)
{
	if (b->kind == CEL_TYPE_PARAM) {
		enum substitution does = substitute(types, a, b);
		if (does == DOES || (does == DOES_NOT && a->kind != CEL_TYPE_PARAM))
			return does == DOES;
	}
	if (a->kind == CEL_TYPE_PARAM)
		return substitute(types, b, a) == DOES;
	if (a->kind == CEL_TYPE_DYN || b->kind == CEL_TYPE_DYN)
		return true;
	if (cel_type_is(a, CEL_NULL))
		return takes_null(b);
	if (cel_type_is(b, CEL_NULL))
		return takes_null(a);
	return takes_structure(types, a, b);
}

bool cel_type_takes(struct cel_types *types, const struct cel_type *a, const struct cel_type *b)
{
	size_t mark = cel_types_mark(types);
	if (takes(types, a, b))
		return true;
	cel_types_back(types, mark);
	return false;
}

const struct cel_type *cel_type_join(struct cel_types *types, const struct cel_type *a,
                                     const struct cel_type *b)
{
	if (!cel_type_takes(types, a, b))
		return &cel_type_dyn;
	return most_general(cel_type_known(a), cel_type_known(b));
}

bool cel_type_is(const struct cel_type *type, enum cel_kind kind)
{
	return type->kind == CEL_TYPE_PLAIN && type->value_kind == kind;
}

/* ---- telling ---- */

const struct cel_type *cel_type_final(struct cel_types *types, const struct cel_type *type)
{
	type = cel_type_known(type);
	if (type->kind == CEL_TYPE_PARAM)
		return &cel_type_dyn;
	if (type->n == 0)
		return type;
	struct cel_type copy = *type;
	for (unsigned i = 0; i < copy.n; i++)
		if (!(copy.of[i] = cel_type_final(types, copy.of[i])))
			return NULL;
	return new_type(types, copy);
}

static struct sv own_name(const struct cel_type *type)
{
	static const struct sv own[] = {
		[CEL_TYPE_DYN] = SV("dyn"),   [CEL_TYPE_LIST] = SV("list"),
		[CEL_TYPE_MAP] = SV("map"),   [CEL_TYPE_OF] = SV("type"),
		[CEL_TYPE_PARAM] = SV("dyn"), [CEL_TYPE_OPTIONAL] = SV("optional_type"),
	};
	if (type->kind == CEL_TYPE_NAMED)
		return type->name;
	return type->kind == CEL_TYPE_PLAIN ? cel_kind_name(type->value_kind) : own[type->kind];
}

struct sv cel_type_text(struct arena *arena, const struct cel_type *type)
{
	type = cel_type_known(type);
	struct sv name = own_name(type);
	struct sv parts[CEL_TYPE_PARAMS_MAX] = {0};
	for (unsigned i = 0; i < type->n; i++)
		parts[i] = cel_type_text(arena, type->of[i]);
	if (type->n == 0)
		return name;
	return arena_printf(arena, "%.*s(%.*s%s%.*s%s%.*s)", SV_ARG(name), SV_ARG(parts[0]),
	                    type->n > 1 ? ", " : "", SV_ARG(parts[1]), type->n > 2 ? ", " : "",
	                    SV_ARG(parts[2]));
}

uint8_t cel_type_value_kind(const struct cel_type *type)
{
	static const uint8_t kinds[] = {
		[CEL_TYPE_LIST] = CEL_LIST,        [CEL_TYPE_MAP] = CEL_MAP,
		[CEL_TYPE_OF] = CEL_TYPE,          [CEL_TYPE_OPTIONAL] = CEL_OPTIONAL,
		[CEL_TYPE_DYN] = CEL_KIND_COUNT,   [CEL_TYPE_PARAM] = CEL_KIND_COUNT,
		[CEL_TYPE_NAMED] = CEL_KIND_COUNT,
	};
	type = cel_type_known(type);
	return type->kind == CEL_TYPE_PLAIN ? type->value_kind : kinds[type->kind];
}
