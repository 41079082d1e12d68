#include "authz/role.h"

#include "core/hash.h"
#include "model/identity.h"
#include "model/request.h"

#include <string.h>

enum { TEXT_MAX_BYTES = 256, WORD_BITS = 64 };

static bool has_bit(const uint64_t *bits, uint32_t i)
{
	return bits[i / WORD_BITS] >> i % WORD_BITS & 1;
}

static void set_bit(uint64_t *bits, uint32_t i)
{
	bits[i / WORD_BITS] |= 1ULL << i % WORD_BITS;
}

/* ---- one binding ---- */

enum fits {
	FITS_NOT,
	FITS_PERHAPS,
	FITS,
};

static enum fits condition_fits(const struct authz_condition *c, const struct authz_view *view)
{
	struct authz_values values;
	if (authz_attribute_unrecorded(&c->attribute, view))
		return FITS_PERHAPS;
	authz_attribute_get(&c->attribute, view, NULL, &values);
	for (size_t i = 0; i < values.n; i++)
		if (authz_match_set_holds(&c->texts, values.at[i]))
			return FITS;
	return values.complete ? FITS_NOT : FITS_PERHAPS;
}

static enum fits binding_fits(const struct authz_role_binding *binding,
                              const struct authz_view *view)
{
	enum fits ret = FITS;
	for (size_t i = 0; i < binding->conditions.n && ret != FITS_NOT; i++)
		ret = MIN_OF(ret, condition_fits(&binding->conditions.at[i], view));
	return ret;
}

/* ---- what a caller holds ---- */

static bool push(struct authz_roles_held *held, struct arena *scratch, struct authz_held one)
{
	if (held->n == held->room) {
		size_t room = held->room ? held->room * 2 : 16;
		struct authz_held *bigger = arena_array(scratch, room, sizeof(*bigger));
		if (!bigger)
			return false;
		if (held->n)
			memcpy(bigger, held->at, held->n * sizeof(*bigger));
		held->at = bigger;
		held->room = room;
	}
	held->at[held->n++] = one;
	return true;
}

static void give(struct authz_roles_held *held, const struct authz_view *view, uint32_t binding,
                 bool is_sure)
{
	const struct authz_roles *roles = held->roles;
	const struct authz_role *role = &roles->at[roles->bindings[binding].role];
	for (size_t i = 0; i < role->n_gives && !held->failed; i++) {
		uint32_t given = role->gives[i];
		if (has_bit(held->sure, given) || (!is_sure && has_bit(held->maybe, given)))
			continue;
		set_bit(is_sure ? held->sure : held->maybe, given);
		held->failed =
			!push(held, view->scratch, (struct authz_held){given, binding, is_sure});
	}
}

static void try_binding(struct authz_roles_held *held, const struct authz_view *view,
                        uint32_t binding)
{
	const struct authz_roles *roles = held->roles;
	if (has_bit(held->sure, roles->bindings[binding].role))
		return;
	enum fits fits = binding_fits(&roles->bindings[binding], view);
	if (fits != FITS_NOT)
		give(held, view, binding, fits == FITS);
}

static void try_value(struct authz_roles_held *held, const struct authz_view *view,
                      const struct authz_attribute *attribute, struct sv value)
{
	const struct authz_roles *roles = held->roles;
	uint64_t key = authz_role_key(attribute, value);
	size_t i = key & roles->slot_mask;
	while (roles->slots[i] && roles->entries[roles->slots[i] - 1].key != key)
		i = (i + 1) & roles->slot_mask;
	for (uint32_t next = roles->slots[i]; next; next = roles->entries[next - 1].next)
		try_binding(held, view, roles->entries[next - 1].binding);
}

/* Whether every value that the caller has of it is known: else no look-up can find what may fit. */
static bool is_told(const struct authz_attribute *attribute, const struct authz_view *view)
{
	struct authz_values values;
	if (authz_attribute_unrecorded(attribute, view))
		return false;
	authz_attribute_get(attribute, view, NULL, &values);
	return values.complete;
}

static void try_all(struct authz_roles_held *held, const struct authz_view *view)
{
	for (size_t i = 0; i < held->roles->n_bindings; i++)
		try_binding(held, view, (uint32_t)i);
}

static void look_up(struct authz_roles_held *held, const struct authz_view *view)
{
	const struct authz_roles *roles = held->roles;
	for (size_t i = 0; i < roles->n_asked; i++) {
		if (!is_told(roles->asked[i], view)) {
			try_all(held, view);
			return;
		}
	}
	for (size_t i = 0; i < roles->n_asked; i++) {
		struct authz_values values;
		authz_attribute_get(roles->asked[i], view, NULL, &values);
		for (size_t k = 0; k < values.n; k++)
			try_value(held, view, roles->asked[i], values.at[k]);
	}
	for (size_t i = 0; i < roles->n_always; i++)
		try_binding(held, view, roles->always[i]);
}

const struct authz_roles_held *authz_roles_held(const struct authz_view *view)
{
	struct authz_roles_held *held = view->roles;
	if (!held || !held->roles || held->is_known)
		return held && held->roles ? held : NULL;
	size_t n_words = held->roles->n / WORD_BITS + 1;
	held->is_known = true;
	held->sure = arena_array(view->scratch, n_words * 2, sizeof(*held->sure));
	held->failed = !held->sure;
	held->maybe = held->sure ? held->sure + n_words : NULL;
	if (!held->failed)
		look_up(held, view);
	return held;
}

bool authz_roles_list(const struct authz_condition *c, const struct authz_view *view,
                      bool *complete)
{
	const struct authz_roles_held *held = authz_roles_held(view);
	*complete = held && !held->failed;
	for (size_t i = 0; *complete && i < c->n_roles; i++)
		if (has_bit(held->sure, c->roles[i]))
			return true;
	for (size_t i = 0; *complete && i < c->n_roles; i++)
		if (has_bit(held->maybe, c->roles[i]))
			*complete = false;
	return false;
}

/* ---- for people ---- */

struct sv authz_roles_text(const struct authz_view *view)
{
	const struct authz_roles_held *held = authz_roles_held(view);
	struct sv text = {0};
	for (size_t i = 0; held && i < held->n && text.n < TEXT_MAX_BYTES; i++) {
		const struct authz_held *one = &held->at[i];
		struct sv name = held->roles->at[one->role].name;
		if (one->is_sure)
			text = text.n ? arena_printf(view->scratch, "%.*s, %.*s", SV_ARG(text),
			                             SV_ARG(name))
			              : name;
	}
	return text;
}

static const struct authz_held *find_held(const struct authz_roles_held *held, uint32_t role)
{
	for (size_t i = 0; i < held->n; i++)
		if (held->at[i].role == role && held->at[i].is_sure)
			return &held->at[i];
	return NULL;
}

/* "viewer, by editor (/roles/1/bindings/0: groups)" */
static struct sv tell(const struct authz_roles_held *held, const struct authz_held *one,
                      struct arena *scratch)
{
	const struct authz_role_binding *binding = &held->roles->bindings[one->binding];
	struct sv name = held->roles->at[one->role].name;
	struct sv labels = {0};
	for (size_t i = 0; i < binding->conditions.n; i++)
		labels = i == 0 ? binding->conditions.at[i].label
		                : arena_printf(scratch, "%.*s, %.*s", SV_ARG(labels),
		                               SV_ARG(binding->conditions.at[i].label));
	if (binding->role == one->role)
		return arena_printf(scratch, "%.*s (%.*s: %.*s)", SV_ARG(name),
		                    SV_ARG(binding->pointer), SV_ARG(labels));
	return arena_printf(scratch, "%.*s, by %.*s (%.*s: %.*s)", SV_ARG(name),
	                    SV_ARG(held->roles->at[binding->role].name), SV_ARG(binding->pointer),
	                    SV_ARG(labels));
}

struct sv authz_roles_telling(const struct authz_condition *c, const struct authz_view *view)
{
	const struct authz_roles_held *held = authz_roles_held(view);
	for (size_t i = 0; held && !held->failed && !c->negated && i < c->n_roles; i++) {
		const struct authz_held *one = find_held(held, c->roles[i]);
		if (one)
			return tell(held, one, view->scratch);
	}
	return authz_roles_text(view);
}
