/* What the files of the import of OpenAPI share (openapi.h). Internal to this folder. */
#ifndef POLICY_OPENAPI_PART_H
#define POLICY_OPENAPI_PART_H

#include "core/strbuf.h"
#include "policy/openapi.h"

enum { OPENAPI_POINTER_BYTES = 384, OPENAPI_NAME_BYTES = 128 };

struct openapi {
	struct openapi_import *import;
	const json_t *document;
	json_t *issuers;  /* of the result; owned */
	json_t *hosts;    /* of the service: a set, as an object; owned */
	json_t *bases;    /* likewise */
	bool any_host;    /* some server says none */
	bool own_servers; /* some path or operation has servers of its own */
	bool out_of_memory;
};

/* Where we are in the document. */
struct openapi_place {
	char pointer[OPENAPI_POINTER_BYTES];
};
struct openapi_place openapi_key(const struct openapi_place *at, const char *key);
struct openapi_place openapi_index(const struct openapi_place *at, size_t index);

void openapi_refuse(struct openapi *o, const struct openapi_place *at, const char *format, ...)
	PRINTF_LIKE(3, 4);
void openapi_tell(struct openapi *o, const struct openapi_place *at, const char *format, ...)
	PRINTF_LIKE(3, 4);

/* openapi_resolve - follows `$ref` within the document. out: *at: where it led. returns NULL when it leads nowhere, which
 * is reported */
const json_t *openapi_resolve(struct openapi *o, const json_t *value, struct openapi_place *at);

/* openapi_only - reports members that are not listed; those with x- are nobody's business. in: names: ends with NULL */
void openapi_only(struct openapi *o, const json_t *object, const struct openapi_place *at,
                  const char *const *names);

/* openapi_put - value, which is taken over, into an object or, without a name, an array. */
void openapi_put(struct openapi *o, json_t *into, const char *name, json_t *value);

/* openapi_servers - the addresses that `servers` says, or the document's where it says none.
 *
 * out     object, owned: path prefix -> array of hosts; an empty one stands for any
 */
MUST_CHECK json_t *openapi_servers(struct openapi *o, const json_t *servers,
                                   const struct openapi_place *at);

/* openapi_rules - what a `security` asks for, as rules that have no `to` yet.
 *
 * out     array, owned; empty: nobody is granted anything
 */
MUST_CHECK json_t *openapi_rules(struct openapi *o, const json_t *security,
                                 const struct openapi_place *at);

/* openapi_template - a path as a pattern of ours. out: in to. returns false when it cannot be said, which is reported */
MUST_CHECK bool openapi_template(struct openapi *o, const char *path,
                                 const struct openapi_place *at, struct strbuf *to);

/* What two paths have to do with each other. */
enum openapi_overlap {
	OPENAPI_APART, /* no request is for both */
	OPENAPI_WITHIN, /* whatever is for the first is for the second, and the first says it more exactly */
	OPENAPI_ACROSS, /* some requests are for both, and neither says it more exactly */
	OPENAPI_SAME,   /* but for names */
	OPENAPI_AROUND, /* WITHIN, the other way round */
};
enum openapi_overlap openapi_compare(const char *first, const char *second);

#endif
