/* An OpenAPI document as a policy set: one service, and a policy an operation, which grants what its security asks for.
 *
 * What the document says and a policy set cannot is an error that names its place; nothing is dropped, and nothing is
 * granted that the document does not: an operation without any `security`, its own or the document's, is granted to
 * nobody, and one with `security: []` to everybody. Where a path has text and another a name in the same place, the
 * text counts, as in OpenAPI.
 * source  OpenAPI 3.0.4 and 3.1.1: Server, Paths, Path Item, Operation, Security Requirement and Security Scheme Object
 */
#ifndef POLICY_OPENAPI_H
#define POLICY_OPENAPI_H

#include "core/macros.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { OPENAPI_NOTES_MAX = 200, OPENAPI_NOTE_BYTES = 512 };

struct openapi_note {
	bool is_error;                 /* else something that a person should know */
	char text[OPENAPI_NOTE_BYTES]; /* "POINTER: what": RFC 6901, into the document */
};

struct openapi_import {
	const char *service; /* its name; NULL: of the document's title */
	const char *
		issuer; /* whose tokens oauth2 and bearer schemes mean, which do not say it; NULL: any of the set's */
	const char *audience; /* of the issuers; NULL: none is said */
	struct openapi_note notes[OPENAPI_NOTES_MAX];
	size_t n_notes;
	size_t n_errors;
	json_t *origins; /* of each policy of the result: the pointer of its operation; owned */
};

/* openapi_import - in: document: as it was read, JSON or YAML
 *
 * out     *ret: an owned policy set, when n_errors stays 0; notes: in the order of the document
 * errors  0, -EINVAL: see notes; -ENOMEM
 */
MUST_CHECK int openapi_import(const json_t *document, struct openapi_import *import, json_t **ret);
void openapi_import_fini(struct openapi_import *import);

#endif
