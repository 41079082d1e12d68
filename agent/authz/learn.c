#include "authz/learn.h"

#include "authz/compile.h"
#include "authz/headers.h"
#include "authz/path.h"
#include "authz/related.h"
#include "authz/relation_model.h"
#include "authz/template.h"
#include "core/jsonfields.h"
#include "core/jsonload.h"

struct authz_learn {
	struct sv header;
	struct sv path; /* pattern of the field's path; empty: the field as it is, as {value} */
	struct sv object, relation;
	struct related_who who;
};

static const struct sv location = SV("location"), whole = SV("value");

/* ---- compiling ---- */

struct raw_learn {
	const json_t *header, *path, *object, *relation, *subject;
};

#define FIELD(text, member, needed)                                                     \
	{                                                                               \
		.name = (text), .kind = JSON_FIELD_VALUE,                               \
		.offset = JSON_FIELD_AT(struct raw_learn, member), .required = (needed) \
	}
static const struct json_field learn_fields[] = {
	FIELD("header", header, false),   FIELD("path", path, false),
	FIELD("object", object, true),    FIELD("relation", relation, true),
	FIELD("subject", subject, false),
};
#undef FIELD

/* A field's name, RFC 9110 5.1; only what services are likely to use. */
static bool is_field_name(struct sv text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = sv_lower_char(text.at[i]);
		if (!(c >= 'a' && c <= 'z') && !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return text.n > 0;
}

static void compile_header(struct compile *c, const json_t *value, const struct compile_place *at,
                           struct authz_learn *learn)
{
	struct compile_place place = compile_key(at, "header");
	learn->header = location;
	if (!value || !compile_text(c, value, &place, &learn->header))
		return;
	if (!is_field_name(learn->header))
		compile_report(c, &place, "bad_value",
		               "the name of one header field of the answer is expected");
}

static bool has_name(const struct authz_template *path, struct sv name)
{
	for (size_t i = 0; path && i < path->n_names; i++)
		if (sv_eq(path->names[i], name))
			return true;
	return !path && sv_eq(name, whole);
}

/* in: path: NULL: there is none */
static void compile_object(struct compile *c, const json_t *value, const struct compile_place *at,
                           const struct authz_template *path, struct authz_learn *learn)
{
	struct compile_place place = compile_key(at, "object");
	struct sv rest, before, name;
	size_t n = 0;
	if (!value || !compile_text(c, value, &place, &learn->object))
		return;
	for (rest = learn->object; sv_cut_braces(&rest, &before, &name); n++)
		if (!has_name(path, name))
			compile_report(c, &place, "unknown_key",
			               "'%.*s' is not captured by path; without a path the field "
			               "is {value}",
			               SV_ARG(name));
	if (n == 0 || sv_find(rest, '{') != rest.n || sv_find(rest, '}') != rest.n)
		compile_report(c, &place, "bad_value",
		               "\"type:{name}\" is expected, with a name that path captures");
}

static void compile_path(struct compile *c, const struct raw_learn *raw,
                         const struct compile_place *at, struct authz_learn *learn)
{
	struct compile_place place = compile_key(at, "path");
	struct authz_template path;
	const char *why = NULL;
	bool has_path = raw->path && compile_text(c, raw->path, &place, &learn->path);
	if (!raw->path && sv_eq_ci(learn->header, location))
		compile_report(c, &place, "missing",
		               "Location holds a URI: a template of its path is needed, as "
		               "\"/orders/{id}\"");
	if (has_path && !authz_template_parse(learn->path, c->keep, &path, &why)) {
		compile_report(c, &place, "bad_path", "%s", why);
		return;
	}
	if (raw->object && (has_path || !raw->path))
		compile_object(c, raw->object, at, has_path ? &path : NULL, learn);
}

/* Types and relations are what `types` says, so that nothing is learned that counts for nothing. */
static void check_types(struct compile *c, const struct compile_place *at,
                        const struct authz_learn *learn)
{
	struct compile_place place = compile_key(at, "subject");
	const struct relation_def *def = related_def_find(c, at, learn->object, learn->relation);
	if (def && !relation_allows(def, learn->who.type, (struct sv){0}, false))
		compile_report(c, &place, "unknown_type", "'%.*s' may not be %.*s of it by `types`",
		               SV_ARG(learn->who.type), SV_ARG(learn->relation));
}

const struct authz_learn *authz_learn_compile(struct compile *c, const json_t *value,
                                              const struct compile_place *at)
{
	struct raw_learn raw = {0};
	struct authz_learn *learn = compile_array(c, at, 1, sizeof(*learn));
	struct compile_place place = compile_key(at, "relation");
	if (json_fields_read(value, learn_fields, ARRAY_LEN(learn_fields), at->pointer, c->diag,
	                     &raw) != 0)
		c->failed = true;
	if (!learn || !json_is_object(value))
		return NULL;
	compile_header(c, raw.header, at, learn);
	compile_path(c, &raw, at, learn);
	bool told = related_subject_compile(c, raw.subject, at, &learn->who);
	if (told && raw.relation && compile_text(c, raw.relation, &place, &learn->relation) &&
	    learn->object.n > 0)
		check_types(c, at, learn);
	return learn;
}

/* ---- offering ---- */

/* The lines of an offer. None of them can hold the end of one: what is compiled has no control characters, and a
 * subject with one is none. */
enum line {
	LINE_POLICY,
	LINE_HEADER,
	LINE_PATH,
	LINE_OBJECT,
	LINE_RELATION,
	LINE_SUBJECT,
	LINE_COUNT
};

static struct sv name_of(const struct identity *who, enum related_subject subject)
{
	switch (subject) {
	case RELATED_USER:
		return who->user;
	case RELATED_CLIENT:
		return who->client;
	case RELATED_WORKLOAD:
		return who->workload;
	case RELATED_SUBJECT_COUNT:
		break;
	}
	return (struct sv){0};
}

/* A user who is called "bob#manager" is no userset, and "*" is not everybody. */
static bool is_one(struct sv subject)
{
	struct relation_ref ref;
	const char *why;
	size_t at;
	return relation_ref_parse(subject, &ref, &why, &at) && ref.relation.n == 0 &&
	       !sv_eq(ref.id, SVL("*"));
}

struct sv authz_learn_offer(const struct authz_learn *learn, struct sv policy,
                            const struct identity *who, struct arena *scratch)
{
	struct sv name = name_of(who, learn->who.subject);
	struct sv subject =
		arena_printf(scratch, "%.*s:%.*s", SV_ARG(learn->who.type), SV_ARG(name));
	if (name.n == 0 || !is_one(subject))
		return (struct sv){0};
	struct sv offer =
		arena_printf(scratch, "%.*s\n%.*s\n%.*s\n%.*s\n%.*s\n%.*s", SV_ARG(policy),
	                     SV_ARG(learn->header), SV_ARG(learn->path), SV_ARG(learn->object),
	                     SV_ARG(learn->relation), SV_ARG(subject));
	return offer.n <= AUTHZ_OFFER_MAX ? offer : (struct sv){0};
}

/* ---- learning ---- */

/* The path of a URI reference, RFC 3986 3. */
static struct sv path_of(struct sv uri)
{
	size_t colon = sv_find(uri, ':');
	if (colon < sv_find(uri, '/'))
		uri = sv_from(uri, colon + 1);
	if (sv_starts(uri, SVL("//"))) {
		uri = sv_from(uri, 2);
		uri = sv_from(uri, sv_find(uri, '/'));
	}
	return sv_first(uri, sv_find(uri, '#'));
}

static bool match(struct sv field, struct sv pattern, struct arena *scratch,
                  struct authz_captures *ret, const char **ret_why)
{
	struct authz_template *template = arena_alloc(scratch, sizeof(*template));
	struct authz_path path;
	*ret_why = "memory is out";
	if (!template || !authz_template_parse(pattern, scratch, template, ret_why))
		return false;
	if (!authz_path_normalise(path_of(field), scratch, &path, ret_why))
		return false;
	*ret_why = "the header field's path is another one";
	return authz_template_holds(template, path.normal, ret);
}

/* in: captures: without a template, the field is {value} */
static bool find_value(const struct authz_captures *captures, struct sv name, struct sv field,
                       struct arena *scratch, struct sv *ret)
{
	struct sv encoded;
	*ret = field;
	if (!captures->template)
		return true;
	return authz_captures_find(captures, name, &encoded) &&
	       authz_path_decode(encoded, scratch, ret);
}

static struct sv fill(struct sv text, const struct authz_captures *captures, struct sv field,
                      struct arena *scratch)
{
	struct sv rest = text, before, name, value, done = {0};
	while (sv_cut_braces(&rest, &before, &name)) {
		if (!find_value(captures, name, field, scratch, &value))
			return (struct sv){0};
		done = arena_printf(scratch, "%.*s%.*s%.*s", SV_ARG(done), SV_ARG(before),
		                    SV_ARG(value));
	}
	return arena_printf(scratch, "%.*s%.*s", SV_ARG(done), SV_ARG(rest));
}

static bool read_field(struct sv headers, struct sv name, struct arena *scratch, struct sv *ret,
                       const char **ret_why)
{
	struct authz_header header;
	*ret_why = "the header fields cannot be read";
	if (!authz_headers_find(headers, name, scratch, &header))
		return false;
	*ret_why = "the answer has no such header field, or an empty one";
	if (header.joined.n == 0)
		return false;
	*ret_why = "the header field stands there twice";
	if (header.n_fields > 0)
		return false;
	*ret_why = "the header field has control characters";
	*ret = header.joined;
	return !sv_has_control(*ret);
}

static bool read_lines(struct sv offer, struct sv ret[LINE_COUNT])
{
	size_t n = 0;
	while (n < LINE_COUNT && sv_cut(&offer, '\n', &ret[n]))
		n++;
	return n == LINE_COUNT && offer.n == 0;
}

bool authz_learn_from(struct sv offer, struct sv headers, struct arena *scratch,
                      struct authz_lesson *ret, const char **ret_why)
{
	struct sv lines[LINE_COUNT], field;
	struct authz_captures captures = {0};
	size_t at;
	*ret_why = "the offer cannot be read";
	if (!read_lines(offer, lines) ||
	    !read_field(headers, lines[LINE_HEADER], scratch, &field, ret_why))
		return false;
	if (lines[LINE_PATH].n > 0 && !match(field, lines[LINE_PATH], scratch, &captures, ret_why))
		return false;
	ret->policy = lines[LINE_POLICY];
	return relation_tuple_make(fill(lines[LINE_OBJECT], &captures, field, scratch),
	                           lines[LINE_RELATION], lines[LINE_SUBJECT], &ret->tuple, ret_why,
	                           &at);
}
