#include "authz/relation_model.h"

#include "authz/compile.h"
#include "core/jsonload.h"
#include "core/limits.h"
#include "core/names.h"

#include <string.h>

enum { TYPES_MAX = 256, RELATIONS_MAX = 256, REWRITE_DEPTH_MAX = 16, REWRITE_PARTS_MAX = 32 };

const struct relation_type *relation_type_find(const struct relation_model *model, struct sv name)
{
	for (size_t i = 0; i < model->n; i++)
		if (sv_eq(model->types[i].name, name))
			return &model->types[i];
	return NULL;
}

const struct relation_def *relation_def_find(const struct relation_type *type, struct sv name)
{
	for (size_t i = 0; type && i < type->n; i++)
		if (sv_eq(type->relations[i].name, name))
			return &type->relations[i];
	return NULL;
}

bool relation_allows(const struct relation_def *def, struct sv type, struct sv relation,
                     bool is_wildcard)
{
	for (size_t i = 0; i < def->n_allowed; i++)
		if (sv_eq(def->allowed[i].type, type) &&
		    sv_eq(def->allowed[i].relation, relation) &&
		    def->allowed[i].is_wildcard == is_wildcard)
			return true;
	return false;
}

bool relation_allows_usersets(const struct relation_def *def)
{
	for (size_t i = 0; i < def->n_allowed; i++)
		if (def->allowed[i].relation.n > 0)
			return true;
	return false;
}

const char *relation_model_why_not(const struct relation_model *model,
                                   const struct relation_tuple *tuple)
{
	const struct relation_type *type = relation_type_find(model, tuple->object.type);
	const struct relation_def *def = relation_def_find(type, tuple->relation);
	if (!type)
		return "the policy set has no such type of objects";
	if (!def)
		return "objects of this type have no such relation";
	if (!relation_allows(def, tuple->subject.type, tuple->subject.relation,
	                     sv_eq(tuple->subject.id, SVL("*"))))
		return "such a subject may not stand in this relation; see its 'types'";
	return NULL;
}

/* ---- reading ---- */

static bool read_name(struct compile *c, const json_t *value, const struct compile_place *at,
                      struct sv *ret)
{
	*ret = json_string_sv(value);
	if (relation_name_ok(*ret))
		return true;
	compile_report(c, at, "bad_name",
	               "a name is a letter or '_', then letters, digits, '_' and '-', up to 64");
	return false;
}

/* "user", "user:*", "group#member" */
static bool read_allowed(struct compile *c, const json_t *value, const struct compile_place *at,
                         struct relation_allowed *ret)
{
	struct sv text = json_string_sv(value);
	size_t hash = sv_find(text, '#');
	bool is_wildcard = sv_ends(text, SVL(":*"));
	*ret = (struct relation_allowed){
		.type = is_wildcard ? sv_first(text, text.n - 2) : sv_first(text, hash),
		.relation = is_wildcard ? (struct sv){0} : sv_from(text, hash + 1),
		.is_wildcard = is_wildcard};
	if (relation_name_ok(ret->type) && (hash == text.n || relation_name_ok(ret->relation)))
		return true;
	compile_report(c, at, "bad_value", "'type', 'type:*' or 'type#relation' is expected");
	return false;
}

static void read_types(struct compile *c, const json_t *list, const struct compile_place *at,
                       struct relation_def *def)
{
	size_t n = json_array_size(list);
	if (!json_is_array(list) || n > POLICY_LIST_MAX_ITEMS) {
		compile_report(c, at, "wrong_type", "a list of who may stand in it is expected");
		return;
	}
	struct relation_allowed *allowed = compile_array(c, at, n, sizeof(*allowed));
	for (size_t i = 0; allowed && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		def->n_allowed +=
			read_allowed(c, json_array_get(list, i), &place, &allowed[def->n_allowed]);
	}
	def->allowed = allowed;
}

static void read_rewrite(struct compile *c, const json_t *value, const struct compile_place *at,
                         unsigned depth, struct relation_rewrite *ret);

static void read_parts(struct compile *c, const json_t *list, const struct compile_place *at,
                       unsigned depth, struct relation_rewrite *ret)
{
	size_t n = json_array_size(list), wanted = ret->kind == RELATION_DIFFERENCE ? 2 : 0;
	if (n == 0 || n > REWRITE_PARTS_MAX || (wanted && n != wanted)) {
		compile_report(c, at, "wrong_length",
		               wanted ? "two parts are expected: all, and who is left out"
		                      : "1 to %d parts are expected",
		               REWRITE_PARTS_MAX);
		return;
	}
	struct relation_rewrite *of = compile_array(c, at, n, sizeof(*of));
	for (size_t i = 0; of && i < n; i++) {
		struct compile_place place = compile_index(at, i);
		read_rewrite(c, json_array_get(list, i), &place, depth + 1, &of[i]);
	}
	ret->of = of;
	ret->n = of ? n : 0;
}

static void read_from(struct compile *c, const json_t *value, const struct compile_place *at,
                      struct relation_rewrite *ret)
{
	struct compile_place place = compile_key(at, "relation");
	if (!json_is_object(value) || json_object_size(value) != 2) {
		compile_report(c, at, "wrong_type", "'relation' and 'tupleset' are expected");
		return;
	}
	(void)read_name(c, json_object_get(value, "relation"), &place, &ret->relation);
	place = compile_key(at, "tupleset");
	(void)read_name(c, json_object_get(value, "tupleset"), &place, &ret->tupleset);
}

static void read_rewrite(struct compile *c, const json_t *value, const struct compile_place *at,
                         unsigned depth, struct relation_rewrite *ret)
{
	static const char *const names[] = {[RELATION_THIS] = "this",
	                                    [RELATION_COMPUTED] = "computed",
	                                    [RELATION_FROM] = "from",
	                                    [RELATION_UNION] = "union",
	                                    [RELATION_INTERSECTION] = "intersection",
	                                    [RELATION_DIFFERENCE] = "difference"};
	void *iterator =
		json_is_object(value) ? json_object_iter((json_t *)(uintptr_t)value) : NULL;
	const char *name = iterator ? json_object_iter_key(iterator) : "";
	unsigned kind;
	if (json_object_size(value) != 1 || depth > REWRITE_DEPTH_MAX ||
	    !names_find(names, ARRAY_LEN(names), sv_of(name), &kind)) {
		compile_report(c, at, "bad_value",
		               depth > REWRITE_DEPTH_MAX
		                       ? "this is nested too deeply"
		                       : "one of 'this', 'computed', 'from', 'union', "
		                         "'intersection' and 'difference' is expected");
		return;
	}
	struct compile_place place = compile_key(at, name);
	const json_t *inner = json_object_iter_value(iterator);
	ret->kind = (enum relation_rewrite_kind)kind;
	if (kind == RELATION_COMPUTED)
		(void)read_name(c, inner, &place, &ret->relation);
	else if (kind == RELATION_FROM)
		read_from(c, inner, &place, ret);
	else if (kind != RELATION_THIS)
		read_parts(c, inner, &place, depth, ret);
	else if (!json_is_true(inner))
		compile_report(c, &place, "wrong_type", "true is expected here");
}

static void read_relation(struct compile *c, const json_t *value, const struct compile_place *at,
                          struct relation_def *def)
{
	const char *name;
	json_t *member;
	if (!json_is_object(value)) {
		compile_report(c, at, "wrong_type",
		               "an object with 'types' and 'rewrite' is expected");
		return;
	}
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		struct compile_place place = compile_key(at, name);
		if (strcmp(name, "types") == 0)
			read_types(c, member, &place, def);
		else if (strcmp(name, "rewrite") == 0)
			read_rewrite(c, member, &place, 0, &def->rewrite);
		else
			compile_report(c, &place, "unknown_key",
			               "a relation has 'types' and 'rewrite'");
	}
}

static void read_type(struct compile *c, const json_t *value, const struct compile_place *at,
                      struct relation_type *type)
{
	const char *name;
	json_t *member;
	size_t n = json_object_size(value);
	if (!json_is_object(value) || n > RELATIONS_MAX) {
		compile_report(c, at, "wrong_type", "an object of at most %d relations is expected",
		               RELATIONS_MAX);
		return;
	}
	type->relations = compile_array(c, at, n, sizeof(*type->relations));
	json_object_foreach((json_t *)(uintptr_t)value, name, member)
	{
		struct compile_place place = compile_key(at, name);
		if (!type->relations)
			return;
		if (!relation_name_ok(sv_of(name)))
			compile_report(c, &place, "bad_name", "this is no name of a relation");
		type->relations[type->n].name = sv_of(name);
		read_relation(c, member, &place, &type->relations[type->n++]);
	}
}

/* ---- whether it fits together ---- */

static void check_allowed(struct compile *c, const struct relation_model *model,
                          const struct relation_def *def, const struct compile_place *at)
{
	for (size_t i = 0; i < def->n_allowed; i++) {
		const struct relation_allowed *one = &def->allowed[i];
		const struct relation_type *type = relation_type_find(model, one->type);
		if (!type)
			compile_report(c, at, "unknown_type", "there is no type '%.*s'",
			               SV_ARG(one->type));
		else if (one->relation.n > 0 && !relation_def_find(type, one->relation))
			compile_report(c, at, "unknown_relation", "'%.*s' has no relation '%.*s'",
			               SV_ARG(one->type), SV_ARG(one->relation));
	}
}

/* Whether some type that the tupleset leads to has the relation. */
static bool leads_to(const struct relation_model *model, const struct relation_def *tupleset,
                     struct sv relation)
{
	for (size_t i = 0; i < tupleset->n_allowed; i++)
		if (relation_def_find(relation_type_find(model, tupleset->allowed[i].type),
		                      relation))
			return true;
	return false;
}

static void check_from(struct compile *c, const struct relation_model *model,
                       const struct relation_type *type, const struct relation_rewrite *rewrite,
                       const struct compile_place *at)
{
	const struct relation_def *tupleset = relation_def_find(type, rewrite->tupleset);
	if (!tupleset)
		compile_report(c, at, "unknown_relation", "'%.*s' has no relation '%.*s'",
		               SV_ARG(type->name), SV_ARG(rewrite->tupleset));
	else if (tupleset->rewrite.kind != RELATION_THIS)
		compile_report(c, at, "bad_value",
		               "the tupleset '%.*s' has to be of tuples only, without a rewrite",
		               SV_ARG(rewrite->tupleset));
	else if (!leads_to(model, tupleset, rewrite->relation))
		compile_report(c, at, "unknown_relation",
		               "nothing that '%.*s' leads to has a relation '%.*s'",
		               SV_ARG(rewrite->tupleset), SV_ARG(rewrite->relation));
}

static void check_rewrite(struct compile *c, const struct relation_model *model,
                          const struct relation_type *type, const struct relation_rewrite *rewrite,
                          const struct compile_place *at)
{
	if (rewrite->kind == RELATION_COMPUTED && !relation_def_find(type, rewrite->relation))
		compile_report(c, at, "unknown_relation", "'%.*s' has no relation '%.*s'",
		               SV_ARG(type->name), SV_ARG(rewrite->relation));
	if (rewrite->kind == RELATION_FROM)
		check_from(c, model, type, rewrite, at);
	for (size_t i = 0; i < rewrite->n; i++)
		check_rewrite(c, model, type, &rewrite->of[i], at);
}

static bool is_grounded(const struct relation_model *model, const struct relation_type *type,
                        const struct relation_def *def, const struct relation_rewrite *rewrite)
{
	const struct relation_def *other;
	size_t n = 0;
	switch (rewrite->kind) {
	case RELATION_THIS:
		return true;
	case RELATION_COMPUTED:
		other = relation_def_find(type, rewrite->relation);
		return other && other->is_grounded;
	case RELATION_FROM:
		other = relation_def_find(type, rewrite->tupleset);
		for (size_t i = 0; other && i < other->n_allowed; i++) {
			const struct relation_def *there =
				relation_def_find(relation_type_find(model, other->allowed[i].type),
			                          rewrite->relation);
			if (there && there->is_grounded)
				return true;
		}
		return false;
	case RELATION_UNION:
	case RELATION_INTERSECTION:
	case RELATION_DIFFERENCE:
		break;
	}
	for (size_t i = 0; i < rewrite->n; i++)
		n += is_grounded(model, type, def, &rewrite->of[i]);
	if (rewrite->kind == RELATION_DIFFERENCE)
		return rewrite->n > 0 && is_grounded(model, type, def, &rewrite->of[0]);
	return rewrite->kind == RELATION_UNION ? n > 0 : n == rewrite->n;
}

/* Relations that only follow from each other hold for nobody: a circle without a way in. */
static void ground(const struct relation_model *model)
{
	for (bool is_new = true; is_new;) {
		is_new = false;
		for (size_t i = 0; i < model->n; i++)
			for (size_t k = 0; k < model->types[i].n; k++) {
				struct relation_def *def = &model->types[i].relations[k];
				if (def->is_grounded ||
				    !is_grounded(model, &model->types[i], def, &def->rewrite))
					continue;
				def->is_grounded = is_new = true;
			}
	}
}

static void check_type(struct compile *c, const struct relation_model *model,
                       const struct relation_type *type, const struct compile_place *at)
{
	for (size_t i = 0; i < type->n; i++) {
		char name[RELATION_NAME_MAX + 1] = "";
		const struct relation_def *def = &type->relations[i];
		memcpy(name, def->name.at, MIN_OF(def->name.n, (size_t)RELATION_NAME_MAX));
		struct compile_place place = compile_key(at, name);
		check_allowed(c, model, def, &place);
		check_rewrite(c, model, type, &def->rewrite, &place);
		if (!def->is_grounded && !c->failed)
			compile_report(c, &place, "cycle",
			               "this holds for nobody: it follows only from relations that "
			               "follow from it, and no tuple leads into the circle");
	}
}

void relation_model_compile(struct compile *c, const json_t *types, const struct compile_place *at,
                            struct relation_model *ret)
{
	const char *name;
	json_t *value;
	size_t n = json_object_size(types), i = 0;
	*ret = (struct relation_model){0};
	if (!types)
		return;
	if (!json_is_object(types) || n > TYPES_MAX) {
		compile_report(c, at, "wrong_type", "an object of at most %d types is expected",
		               TYPES_MAX);
		return;
	}
	struct relation_type *made = compile_array(c, at, n, sizeof(*made));
	if (!made)
		return;
	json_object_foreach((json_t *)(uintptr_t)types, name, value)
	{
		struct compile_place place = compile_key(at, name);
		if (!relation_name_ok(sv_of(name)))
			compile_report(c, &place, "bad_name", "this is no name of a type");
		made[i].name = sv_of(name);
		read_type(c, value, &place, &made[i++]);
	}
	*ret = (struct relation_model){made, i};
	ground(ret);
	i = 0;
	json_object_foreach((json_t *)(uintptr_t)types, name, value)
	{
		struct compile_place place = compile_key(at, name);
		check_type(c, ret, &made[i++], &place);
	}
}
