/* The services that a policy is for. */
#include "authz/draft.h"
#include "core/jsonfields.h"

#include <stdlib.h>

static bool add_target(struct drafting *d, struct draft *draft, struct authz_service *service,
                       const struct compile_place *at)
{
	if (!draft->targets)
		draft->targets = calloc(authz_services_count(d->set->services) + 1,
		                        sizeof(struct authz_service *));
	if (!draft->targets) {
		compile_report(&d->c, at, "too_large", "memory is out");
		return false;
	}
	for (size_t i = 0; i < draft->n_targets; i++)
		if (draft->targets[i] == service)
			return false;
	draft->targets[draft->n_targets++] = service;
	return true;
}

static void target_name(struct drafting *d, struct draft *draft, struct sv name,
                        const struct compile_place *at)
{
	struct authz_service *service = authz_services_named(d->set->services, name);
	if (!service) {
		const char *near = authz_services_nearest(d->set->services, name);
		compile_report(&d->c, at, "unknown_service",
		               "the policy set has no service '%.*s'%s%s%s", SV_ARG(name),
		               near ? "; did you mean '" : "", near ? near : "", near ? "'?" : "");
		return;
	}
	if (!add_target(d, draft, service, at))
		compile_report(&d->c, at, "doubled_name", "this service is named twice");
}

static void target_names(struct drafting *d, struct draft *draft, const json_t *list,
                         const struct compile_place *at)
{
	size_t n = compile_list(&d->c, list, at);
	for (size_t i = 0; i < n; i++) {
		struct compile_place place = compile_index(at, i);
		struct sv name;
		if (compile_text(&d->c, json_array_get(list, i), &place, &name))
			target_name(d, draft, name, &place);
	}
}

static bool has_labels(const struct authz_service *service, const json_t *wanted)
{
	const char *name;
	json_t *value;
	json_object_foreach((json_t *)(uintptr_t)wanted, name, value)
	{
		if (!service->labels || !json_equal(json_object_get(service->labels, name), value))
			return false;
	}
	return true;
}

/* {"matchLabels": {...}}; NULL: there is none that could be read. */
static const json_t *labels_of(struct drafting *d, const json_t *selector,
                               const struct compile_place *at)
{
	const json_t *labels = NULL;
	const struct json_field field = {
		.name = "matchLabels", .kind = JSON_FIELD_VALUE, .required = true};
	if (json_fields_read(selector, &field, 1, at->pointer, d->c.diag, &labels) != 0) {
		d->c.failed = true;
		return NULL;
	}
	struct compile_place place = compile_key(at, "matchLabels");
	if (json_is_object(labels) && json_object_size(labels) > 0)
		return labels;
	compile_report(&d->c, &place, "wrong_type", "an object of labels is expected here");
	return NULL;
}

/* Every service that is in the namespace and has all of the labels; both are chosen by, at least one is given. */
static void target_chosen(struct drafting *d, struct draft *draft, struct sv namespace,
                          const json_t *labels, const struct compile_place *at)
{
	for (size_t i = 0; i < authz_services_count(d->set->services); i++) {
		struct authz_service *service = authz_services_at(d->set->services, i);
		bool is_here = namespace.n == 0 || sv_eq(service->namespace, namespace);
		if (is_here && (!labels || has_labels(service, labels)))
			(void)add_target(d, draft, service, at);
	}
	if (draft->n_targets == 0)
		compile_report(&d->c, at, "no_service", "no service %s%s%s",
		               namespace.n ? "is in this namespace" : "",
		               namespace.n && labels ? " and " : "",
		               labels ? "has these labels" : "");
}

void draft_targets(struct drafting *d, struct draft *draft, const struct draft_choice *raw,
                   const struct compile_place *at)
{
	struct sv namespace = {0};
	struct compile_place place = compile_key(at, "services");
	if (raw->services)
		target_names(d, draft, raw->services, &place);
	place = compile_key(at, "namespace");
	if (raw->namespace)
	namespace = compile_name(&d->c, raw->namespace, &place);
	if (raw->namespace && raw->services)
		compile_report(&d->c, &place, "exclusive",
		               "services are chosen by name or by namespace, not by both");
	struct compile_place by_label = compile_key(at, "selector");
	const json_t *labels = raw->selector ? labels_of(d, raw->selector, &by_label) : NULL;
	by_label = compile_key(&by_label, "matchLabels");
	if (namespace.n > 0 || labels)
		target_chosen(d, draft, namespace, labels, labels ? &by_label : &place);
}
