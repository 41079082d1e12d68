#include "authz/relation.h"

#include "core/utf8.h"

static bool fail(const char *why, size_t at, const char **ret_why, size_t *ret_at)
{
	*ret_why = why;
	*ret_at = at;
	return false;
}

bool relation_name_ok(struct sv name)
{
	for (size_t i = 0; i < name.n; i++) {
		char c = name.at[i];
		bool is_letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
		if (!is_letter && (i == 0 || !((c >= '0' && c <= '9') || c == '-')))
			return false;
	}
	return name.n > 0 && name.n <= RELATION_NAME_MAX;
}

static bool is_id(struct sv id)
{
	for (size_t i = 0; i < id.n; i++)
		if ((unsigned char)id.at[i] <= ' ' || id.at[i] == 0x7f || id.at[i] == '#')
			return false;
	return id.n > 0 && id.n <= RELATION_ID_MAX && utf8_valid(id);
}

bool relation_ref_parse(struct sv text, struct relation_ref *ret, const char **ret_why,
                        size_t *ret_at)
{
	size_t hash = sv_find(text, '#'), colon = sv_find(text, ':');
	struct relation_ref ref = {.text = sv_first(text, hash),
	                           .type = sv_first(text, colon),
	                           .id = sv_from(sv_first(text, hash), colon + 1),
	                           .relation = sv_from(text, hash + 1)};
	if (colon >= hash)
		return fail("'type:id' is expected", 0, ret_why, ret_at);
	if (!relation_name_ok(ref.type))
		return fail("a type is up to 64 letters, digits, '_' and '-'", 0, ret_why, ret_at);
	if (!is_id(ref.id))
		return fail("an id is up to 256 bytes without blanks, control characters and '#'",
		            colon + 1, ret_why, ret_at);
	if (hash < text.n && !relation_name_ok(ref.relation))
		return fail("a relation is up to 64 letters, digits, '_' and '-'", hash + 1,
		            ret_why, ret_at);
	if (hash < text.n && sv_eq(ref.id, SVL("*")))
		return fail("a wildcard has no relation", hash, ret_why, ret_at);
	*ret = ref;
	return true;
}

bool relation_tuple_make(struct sv object, struct sv relation, struct sv subject,
                         struct relation_tuple *ret, const char **ret_why, size_t *ret_at)
{
	struct relation_tuple tuple = {.relation = relation};
	if (!relation_ref_parse(object, &tuple.object, ret_why, ret_at))
		return false;
	if (tuple.object.relation.n > 0 || sv_eq(tuple.object.id, SVL("*")))
		return fail("an object is one thing, written as 'type:id'", 0, ret_why, ret_at);
	if (!relation_name_ok(relation))
		return fail("a relation is up to 64 letters, digits, '_' and '-'", object.n + 1,
		            ret_why, ret_at);
	if (!relation_ref_parse(subject, &tuple.subject, ret_why, ret_at)) {
		*ret_at += object.n + relation.n + 2;
		return false;
	}
	*ret = tuple;
	return true;
}

bool relation_tuple_parse(struct sv text, struct relation_tuple *ret, const char **ret_why,
                          size_t *ret_at)
{
	size_t hash = sv_find(text, '#');
	struct sv rest = sv_from(text, hash + 1);
	size_t at = sv_find(rest, '@');
	if (hash == text.n || at == rest.n)
		return fail("'object#relation@subject' is expected", hash == text.n ? hash : text.n,
		            ret_why, ret_at);
	return relation_tuple_make(sv_first(text, hash), sv_first(rest, at), sv_from(rest, at + 1),
	                           ret, ret_why, ret_at);
}
