#include "authz/index.h"

#include "authz/index_table.h"
#include "authz/role.h"
#include "model/identity.h"
#include "model/request.h"

#include <stdlib.h>

struct authz_index *authz_index_new(void)
{
	return calloc(1, sizeof(struct authz_index));
}

void authz_index_free(struct authz_index *index)
{
	if (!index)
		return;
	free(index->slots);
	free(index->entries);
	free(index->profiles);
	free(index->records);
	free(index);
}

uint64_t authz_index_host_space(struct sv host)
{
	return key_of(KEY_SPACE, 0, hash_folded(host));
}

/* One look-up: what of the request the entries are compared with. */
struct finding {
	const struct authz_index *index;
	uint64_t space;
	const struct profile *profile;
	const struct authz_view *view;
	struct authz_candidates *into;
	uint64_t user, workload; /* keys; 0: there is none */
	uint16_t method;
};

static bool make_room(struct finding *f)
{
	struct authz_candidates *into = f->into;
	size_t room = into->room ? into->room * 2 : 64;
	uint32_t *bigger = arena_array(f->view->scratch, room, sizeof(*bigger));
	if (!bigger) {
		into->failed = true;
		return false;
	}
	if (into->n)
		memcpy(bigger, into->at, into->n * sizeof(*bigger));
	into->at = bigger;
	into->room = room;
	return true;
}

static void take_entries(struct finding *f, const struct slot *slot)
{
	const struct authz_entry *entries = &f->index->entries[slot->start];
	for (size_t i = 0; i < slot->n; i++) {
		if (!(entries[i].methods & f->method))
			continue;
		if (f->into->n == f->into->room && !make_room(f))
			return;
		f->into->at[f->into->n++] = entries[i].rule;
	}
}

static void take_roles(struct finding *f, uint64_t key)
{
	const struct authz_roles_held *held = authz_roles_held(f->view);
	f->into->failed = f->into->failed || (held && held->failed);
	for (size_t i = 0; held && i < held->n; i++) {
		uint64_t role = key_of(KEY_ROLE, 0, held->at[i].role);
		take_entries(f, slot_for(f->index, key_of(KEY_ALWAYS, key, role)));
	}
}

static void take(struct finding *f, uint64_t key)
{
	const struct slot *slot = slot_for(f->index, key);
	if (!slot->flags)
		return;
	take_entries(f, slot);
	if (!(slot->flags & SLOT_SUBJECTS))
		return;
	if (f->user)
		take_entries(f, slot_for(f->index, key_of(KEY_ALWAYS, key, f->user)));
	if (f->workload)
		take_entries(f, slot_for(f->index, key_of(KEY_ALWAYS, key, f->workload)));
	if (f->index->has_roles)
		take_roles(f, key);
}

static bool has_length(uint64_t lengths, size_t n)
{
	return lengths >> n % 64 & 1;
}

static void find_heads(struct finding *f)
{
	struct sv path = f->view->path;
	uint64_t h = hash_fnv1a((struct sv){0});
	for (size_t i = 0; i < path.n; i++) {
		h = step(h, path.at[i]);
		if (has_length(f->profile->prefix_lengths, i + 1))
			take(f, key_of(KEY_PREFIX, f->space, h));
	}
	if (f->profile->has_exact)
		take(f, key_of(KEY_EXACT, f->space, h));
}

static void find_tails(struct finding *f)
{
	struct sv path = f->view->path;
	uint64_t h = hash_fnv1a((struct sv){0});
	for (size_t n = 1; n <= path.n; n++) {
		h = step(h, path.at[path.n - n]);
		if (has_length(f->profile->suffix_lengths, n))
			take(f, key_of(KEY_SUFFIX, f->space, h));
	}
}

/* Where the walk through the trie still has to go: a node, and the path after it. */
struct step_left {
	uint64_t node;
	struct sv path;
};

static void visit(struct finding *f, struct step_left at, struct step_left *stack, size_t *n_stack)
{
	const struct slot *slot = slot_for(f->index, at.node);
	if (!slot->flags)
		return;
	if (at.path.n == 0) {
		take(f, key_of(KEY_END, at.node, 0));
		return;
	}
	take(f, key_of(KEY_REST, at.node, 0));
	struct sv rest = sv_from(at.path, 1);
	size_t n = sv_find(rest, '/');
	struct sv segment = sv_first(rest, n);
	rest = sv_from(rest, n);
	if (slot->flags & SLOT_LITERAL)
		stack[(*n_stack)++] = (struct step_left){child_key(at.node, segment), rest};
	if ((slot->flags & SLOT_STAR) && segment.n > 0)
		stack[(*n_stack)++] = (struct step_left){key_of(KEY_STAR, at.node, 0), rest};
}

/* Each node is reached at most once; depth ends with the templates', so the stack suffices: a step
 * takes one away and adds two, one level deeper. */
static void find_templates(struct finding *f)
{
	struct step_left stack[TEMPLATE_MAX_SEGMENTS * 2 + 4];
	size_t n_stack = 0;
	if (f->view->path.at[0] != '/')
		return;
	stack[n_stack++] = (struct step_left){root_key(f->space), f->view->path};
	while (n_stack > 0) {
		struct step_left at = stack[--n_stack];
		if (n_stack + 2 > ARRAY_LEN(stack)) {
			f->into->failed = true;
			return;
		}
		visit(f, at, stack, &n_stack);
	}
}

/* The profile of a space, NULL when it has no rules. */
static const struct profile *find_profile(const struct authz_index *index, uint64_t space)
{
	const struct slot *slot = slot_for(index, key_of(KEY_PROFILE, space, 0));
	return slot->flags ? &index->profiles[slot->start] : NULL;
}

void authz_index_find(const struct authz_index *index, uint64_t space,
                      const struct authz_view *view, struct authz_candidates *into)
{
	const struct identity *who = view->who;
	struct sv method = view->request->method;
	struct sv workload = sv_from(who->workload, sizeof("spiffe://") - 1);
	const struct profile *profile = find_profile(index, space);
	if (!profile)
		return;
	struct finding f = {
		.index = index,
		.space = space,
		.profile = profile,
		.view = view,
		.into = into,
		.user = who->principal.n ? key_of(KEY_USER, 0, hash_fnv1a(who->principal)) : 0,
		.workload = workload.n ? key_of(KEY_WORKLOAD, 0, hash_fnv1a(workload)) : 0,
		.method = method.n && !into->any_method ? method_bit(method) : METHOD_ANY,
	};
	if (profile->has_always)
		take(&f, key_of(KEY_ALWAYS, space, 0));
	if (profile->has_exact || profile->prefix_lengths)
		find_heads(&f);
	if (profile->suffix_lengths)
		find_tails(&f);
	if (profile->has_hosts)
		take(&f, key_of(KEY_HOST, space, hash_folded(view->host)));
	if (profile->has_templates)
		find_templates(&f);
}

const struct authz_entry *authz_index_all(const struct authz_index *index, uint64_t space,
                                          size_t *ret_n)
{
	const struct slot *slot = slot_for(index, key_of(KEY_ALL, space, 0));
	*ret_n = slot->flags ? slot->n : 0;
	return &index->entries[slot->start];
}
