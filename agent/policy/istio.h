/* Istio's AuthorizationPolicy and RequestAuthentication as a policy set.
 *
 * What they say and a policy set cannot is an error that names it; nothing is dropped. Which policies are for which
 * workload is told by the Services (kind: Service) of the same file: namespace and `spec.selector`. A file without
 * Services is about one workload that all of its policies choose; when they cannot be about one, that is an error.
 * source  Istio, security.istio.io/v1, and its validation: pkg/config/validation
 */
#ifndef POLICY_ISTIO_H
#define POLICY_ISTIO_H

#include "core/macros.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

enum { ISTIO_NOTES_MAX = 200, ISTIO_NOTE_BYTES = 320 };

struct istio_note {
	bool is_error; /* else something that a person should know */
	size_t line;   /* of the document, from 1 */
	char text[ISTIO_NOTE_BYTES];
};

struct istio_import {
	const char *root_namespace; /* its policies are for every namespace; NULL: istio-system */
	const char *path_normalization; /* of the mesh; NULL: BASE, which is Istio's default */
	struct istio_note notes[ISTIO_NOTES_MAX];
	size_t n_notes;
	size_t n_errors;
	json_t *documents; /* of each policy of the result: {"line", "name"}; owned */
};

/* istio_import - in: documents, lines: of yaml_load()
 *
 * out     *ret: an owned policy set, when n_errors stays 0; notes: in the order of the file
 * errors  0, -EINVAL: see notes; -ENOMEM
 */
MUST_CHECK int istio_import(const json_t *documents, const json_t *lines,
                            struct istio_import *import, json_t **ret);
void istio_import_fini(struct istio_import *import);

#endif
