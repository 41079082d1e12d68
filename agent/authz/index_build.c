/* Rules into the table: every rule under the narrowest keys that no request it matches can miss. */
#include "authz/index_table.h"
#include "core/limits.h"

#include <errno.h>
#include <stdlib.h>

enum {
	SUBJECTS_MAX = 16,       /* callers of one rule that get a key of their own */
	SUBJECTS_MIN = 8,        /* below that many, a list is walked faster than probed */
	REPRESENTATIVES_MAX = 8, /* of a list's caller entries, kept to explain a denial */
};

static const struct authz_condition *positive(const struct authz_conditions *list,
                                              enum authz_attribute_kind kind)
{
	for (size_t i = 0; i < list->n; i++) {
		const struct authz_condition *c = &list->at[i];
		if (c->attribute.kind == kind && !c->negated && c->n_others == 0)
			return c;
	}
	return NULL;
}

static uint16_t methods_of(const struct authz_operation *operation)
{
	const struct authz_condition *c =
		operation ? positive(&operation->conditions, AUTHZ_ATTRIBUTE_METHOD) : NULL;
	if (!c || c->texts.n_wild > 0)
		return METHOD_ANY;
	uint16_t mask = 0;
	for (size_t i = 0; i < c->texts.n_exact; i++)
		mask |= method_bit(c->texts.exact[i].text);
	return mask;
}

static uint64_t facet_of(const struct authz_operation *operation)
{
	uint64_t h = 0;
	for (size_t i = 0; operation && i < operation->conditions.n; i++) {
		const struct authz_condition *c = &operation->conditions.at[i];
		h = key_of(KEY_ALWAYS, h ^ hash_fnv1a(c->label), hash_fnv1a(c->expected));
	}
	return h;
}

/* Room for one more element of an array that doubles. */
static int grow(void **at, size_t n, size_t *room, size_t size)
{
	if (n < *room)
		return 0;
	size_t wanted = *room ? *room * 2 : 16;
	if (wanted > INDEX_MAX_ENTRIES)
		return -E2BIG;
	void *bigger = reallocarray(*at, wanted, size);
	if (!bigger)
		return -ENOMEM;
	*at = bigger;
	*room = wanted;
	return 0;
}

static int add_record(struct authz_index *index, const struct record *record)
{
	void *at = index->records;
	int r = grow(&at, index->n_records, &index->room_records, sizeof(*index->records));
	index->records = at;
	if (r == 0)
		index->records[index->n_records++] = *record;
	return r;
}

/* Callers by which a rule can be found: every source names some, exactly. */
struct subjects {
	uint64_t keys[SUBJECTS_MAX];
	size_t n;
	bool has_roles;
};

static bool add_subjects(struct subjects *s, const struct authz_conditions *source)
{
	static const struct {
		enum authz_attribute_kind attribute;
		enum key_kind key;
	} kinds[] = {{AUTHZ_ATTRIBUTE_REQUEST_PRINCIPAL, KEY_USER},
	             {AUTHZ_ATTRIBUTE_SOURCE_PRINCIPAL, KEY_WORKLOAD}};
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++) {
		const struct authz_condition *c = positive(source, kinds[k].attribute);
		if (!c || c->texts.n_wild > 0 || s->n + c->texts.n_exact > SUBJECTS_MAX)
			continue;
		for (size_t i = 0; i < c->texts.n_exact; i++)
			s->keys[s->n++] =
				key_of(kinds[k].key, 0, hash_fnv1a(c->texts.exact[i].text));
		return true;
	}
	return false;
}

/* Where no principals are named: the roles, as many as are asked for. */
static bool add_roles(struct subjects *s, const struct authz_conditions *source)
{
	const struct authz_condition *c = positive(source, AUTHZ_ATTRIBUTE_ROLES);
	if (!c || s->n + c->n_roles > SUBJECTS_MAX)
		return false;
	for (size_t i = 0; i < c->n_roles; i++)
		s->keys[s->n++] = key_of(KEY_ROLE, 0, c->roles[i]);
	s->has_roles = true;
	return true;
}

static struct subjects subjects_of(const struct authz_rule *rule)
{
	struct subjects s = {0};
	for (size_t i = 0; i < rule->n_from; i++)
		if (!add_subjects(&s, &rule->from[i]) && !add_roles(&s, &rule->from[i]))
			return (struct subjects){0};
	return s;
}

/* One rule on its way in. */
struct entering {
	struct authz_index *index;
	uint64_t space;
	struct profile profile;
	struct record record;
	struct subjects subjects;
};

static int enter(struct entering *e, uint64_t key)
{
	int r = 0;
	e->record.key = key;
	e->record.subject = 0;
	if (e->subjects.n == 0)
		return add_record(e->index, &e->record);
	for (size_t i = 0; i < e->subjects.n && r == 0; i++) {
		e->record.subject = e->subjects.keys[i];
		r = add_record(e->index, &e->record);
	}
	return r;
}

static int add_node(struct authz_index *index, uint64_t key, enum slot_flag flags)
{
	struct record node = {.key = key, .node_flags = (uint8_t)(SLOT_USED | flags)};
	return add_record(index, &node);
}

static int enter_always(struct entering *e)
{
	e->profile.has_always = true;
	return enter(e, key_of(KEY_ALWAYS, e->space, 0));
}

static uint64_t length_bit(size_t n)
{
	return 1ULL << n % 64;
}

static int enter_prefix(struct entering *e, struct sv prefix)
{
	e->profile.prefix_lengths |= length_bit(prefix.n);
	return enter(e, key_of(KEY_PREFIX, e->space, hash_fnv1a(prefix)));
}

static int enter_suffix(struct entering *e, struct sv suffix)
{
	e->profile.suffix_lengths |= length_bit(suffix.n);
	return enter(e, key_of(KEY_SUFFIX, e->space, hash_reversed(suffix)));
}

/* The text before the first operator, with the '/' in front of it. It is a view of the author's
 * pattern only where that is in normal form, so it is put together from the segments. */
static uint64_t hash_head(const struct authz_template *t, size_t n_literal, size_t *ret_n)
{
	uint64_t h = hash_fnv1a((struct sv){0});
	size_t n = 0;
	for (size_t i = 0; i < n_literal; i++) {
		h = step(h, '/');
		for (size_t k = 0; k < t->segments[i].text.n; k++)
			h = step(h, t->segments[i].text.at[k]);
		n += t->segments[i].text.n + 1;
	}
	*ret_n = n + 1;
	return step(h, '/');
}

static size_t count_literals(const struct authz_template *t)
{
	size_t n = 0;
	while (n < t->n_segments && t->segments[n].kind == AUTHZ_SEGMENT_LITERAL)
		n++;
	return n;
}

static int enter_head(struct entering *e, const struct authz_template *t, size_t n_literal)
{
	size_t n;
	uint64_t h = hash_head(t, n_literal, &n);
	e->profile.prefix_lengths |= length_bit(n);
	return enter(e, key_of(KEY_PREFIX, e->space, h));
}

static int enter_trie(struct entering *e, const struct authz_template *t)
{
	uint64_t node = root_key(e->space);
	int r = 0;
	e->profile.has_templates = true;
	for (size_t i = 0; i < t->n_segments && r == 0; i++) {
		const struct authz_segment *segment = &t->segments[i];
		if (segment->kind == AUTHZ_SEGMENT_REST)
			return enter(e, key_of(KEY_REST, node, 0));
		bool star = segment->kind == AUTHZ_SEGMENT_ONE;
		r = add_node(e->index, node, star ? SLOT_STAR : SLOT_LITERAL);
		node = star ? key_of(KEY_STAR, node, 0) : child_key(node, segment->text);
	}
	if (r == 0)
		r = add_node(e->index, node, SLOT_USED);
	return r ? r : enter(e, key_of(KEY_END, node, 0));
}

static int enter_template(struct entering *e, const struct authz_template *t)
{
	size_t n_literal = count_literals(t);
	if (n_literal < t->n_segments && t->segments[n_literal].kind == AUTHZ_SEGMENT_REST)
		return enter_head(e, t, n_literal);
	int r = enter_trie(e, t);
	/* a node where only {**} follows has to exist too */
	uint64_t node = root_key(e->space);
	for (size_t i = 0; i + 1 < t->n_segments && r == 0; i++) {
		bool star = t->segments[i].kind == AUTHZ_SEGMENT_ONE;
		node = star ? key_of(KEY_STAR, node, 0) : child_key(node, t->segments[i].text);
		r = add_node(e->index, node, SLOT_USED);
	}
	return r;
}

static int enter_path(struct entering *e, const struct authz_template *t)
{
	if (t->is_template)
		return enter_template(e, t);
	switch (t->match.kind) {
	case AUTHZ_MATCH_EXACT:
		e->profile.has_exact = true;
		return enter(e, key_of(KEY_EXACT, e->space, hash_fnv1a(t->match.text)));
	case AUTHZ_MATCH_PREFIX:
		return enter_prefix(e, t->match.text);
	case AUTHZ_MATCH_SUFFIX:
		return enter_suffix(e, t->match.text);
	case AUTHZ_MATCH_PRESENT:
	case AUTHZ_MATCH_NEVER:
		break;
	}
	return enter_always(e);
}

/* Does the pattern tell paths apart at all? */
static bool is_selective(const struct authz_template *t)
{
	if (t->is_template)
		return t->n_segments > 1 || t->segments[0].kind != AUTHZ_SEGMENT_REST;
	return t->match.kind == AUTHZ_MATCH_EXACT || t->match.text.n > 1;
}

static bool are_selective(const struct authz_operation *operation)
{
	for (size_t i = 0; i < operation->n_paths; i++)
		if (!is_selective(&operation->paths[i]))
			return false;
	return operation->n_paths > 0;
}

static int enter_hosts(struct entering *e, const struct authz_condition *hosts)
{
	int r = 0;
	e->profile.has_hosts = true;
	for (size_t i = 0; i < hosts->texts.n_exact && r == 0; i++)
		r = enter(e, key_of(KEY_HOST, e->space, hash_folded(hosts->texts.exact[i].text)));
	return r;
}

static int enter_operation(struct entering *e, const struct authz_operation *operation)
{
	const struct authz_condition *hosts =
		positive(&operation->conditions, AUTHZ_ATTRIBUTE_HOST);
	int r = 0;
	e->record.methods = methods_of(operation);
	e->record.facet = facet_of(operation);
	if (hosts && hosts->texts.n_wild == 0 && !are_selective(operation))
		return enter_hosts(e, hosts);
	for (size_t i = 0; i < operation->n_paths && r == 0; i++)
		r = enter_path(e, &operation->paths[i]);
	return operation->n_paths ? r : enter_always(e);
}

static int add_profile(const struct entering *e)
{
	struct authz_index *index = e->index;
	void *at = index->profiles;
	int r = grow(&at, index->n_profiles, &index->room_profiles, sizeof(*index->profiles));
	index->profiles = at;
	if (r)
		return r;
	struct profile *profile = &index->profiles[index->n_profiles++];
	*profile = e->profile;
	profile->key = key_of(KEY_PROFILE, e->space, 0);
	return add_node(index, profile->key, SLOT_USED);
}

int authz_index_add(struct authz_index *index, uint64_t space, const struct authz_rule *rule,
                    uint32_t id)
{
	struct entering e = {.index = index,
	                     .space = space,
	                     .record = {.rule = id, .methods = METHOD_ANY},
	                     .subjects = subjects_of(rule)};
	struct record whole = {.rule = id, .methods = METHOD_ANY, .key = key_of(KEY_ALL, space, 0)};
	int r = add_record(index, &whole);
	index->has_roles = index->has_roles || e.subjects.has_roles;
	for (size_t i = 0; i < rule->n_to && r == 0; i++)
		r = enter_operation(&e, &rule->to[i]);
	if (r == 0 && rule->n_to == 0)
		r = enter_always(&e);
	return r ? r : add_profile(&e);
}

/* ---- sealing ---- */

static int order_records(const void *a, const void *b)
{
	const struct record *l = a;
	const struct record *r = b;
	if (l->key != r->key)
		return l->key < r->key ? -1 : 1;
	if (l->facet != r->facet)
		return l->facet < r->facet ? -1 : 1;
	if (l->rule != r->rule)
		return l->rule < r->rule ? -1 : 1;
	return l->subject == r->subject ? 0 : l->subject < r->subject ? -1 : 1;
}

static size_t group_end(const struct authz_index *index, size_t start)
{
	size_t end = start + 1;
	while (end < index->n_records && index->records[end].key == index->records[start].key)
		end++;
	return end;
}

/* A caller entry that stays in its list, so that a denial can name what was missing: the first of
 * those that differ in nothing but the caller. */
static bool stays(const struct record *record, size_t *n_kept, uint64_t *kept_facet)
{
	if (*n_kept == REPRESENTATIVES_MAX || (*n_kept > 0 && *kept_facet == record->facet))
		return false;
	*kept_facet = record->facet;
	(*n_kept)++;
	return true;
}

/* The group's caller entries move under keys of their own, when they are many. */
static int split_group(struct authz_index *index, size_t start, size_t end, uint8_t *ret_flags)
{
	size_t n_subjects = 0;
	size_t n_kept = 0;
	uint64_t kept_facet = 0;
	for (size_t i = start; i < end; i++)
		n_subjects += index->records[i].subject != 0;
	for (size_t i = start; i < end; i++) {
		struct record moved = index->records[i];
		index->records[i].subject = 0;
		if (n_subjects < SUBJECTS_MIN || moved.subject == 0)
			continue;
		if (!stays(&moved, &n_kept, &kept_facet))
			index->records[i].methods = 0; /* no request reaches it here any more */
		moved.key = key_of(KEY_ALWAYS, moved.key, moved.subject);
		moved.subject = 0;
		*ret_flags |= SLOT_SUBJECTS;
		int r = add_record(index, &moved);
		if (r)
			return r;
	}
	return 0;
}

static int split_subjects(struct authz_index *index)
{
	size_t n = index->n_records;
	qsort(index->records, n, sizeof(*index->records), order_records);
	for (size_t start = 0; start < n;) {
		size_t end = group_end(index, start);
		end = end < n ? end : n;
		uint8_t flags = 0;
		int r = split_group(index, start, end, &flags);
		if (r)
			return r;
		index->records[start].node_flags |= flags;
		start = end;
	}
	return 0;
}

static size_t count_groups(const struct authz_index *index)
{
	size_t n = 0;
	for (size_t i = 0; i < index->n_records; i = group_end(index, i))
		n++;
	return n;
}

static void fill_slot(struct authz_index *index, size_t start, size_t end, size_t *n_entries)
{
	struct slot *slot = slot_for(index, index->records[start].key);
	uint8_t flags = SLOT_USED;
	size_t first = *n_entries;
	for (size_t i = start; i < end; i++) {
		const struct record *record = &index->records[i];
		flags |= record->node_flags;
		if (record->methods == 0)
			continue;
		index->entries[(*n_entries)++] =
			(struct authz_entry){record->rule, record->methods};
	}
	slot->key = index->records[start].key;
	slot->start = (uint32_t)first;
	slot->n = (uint32_t)(*n_entries - first) & 0xfffffffU;
	slot->flags = (unsigned)flags & 0xfU;
}

static int order_profiles(const void *a, const void *b)
{
	const struct profile *l = a;
	const struct profile *r = b;
	return l->key == r->key ? 0 : l->key < r->key ? -1 : 1;
}

/* One profile a space, and its slot points at it. */
static void merge_profiles(struct authz_index *index)
{
	size_t n = 0;
	qsort(index->profiles, index->n_profiles, sizeof(*index->profiles), order_profiles);
	for (size_t i = 0; i < index->n_profiles; i++) {
		struct profile *from = &index->profiles[i];
		if (n == 0 || index->profiles[n - 1].key != from->key) {
			slot_for(index, from->key)->start = (uint32_t)n;
			index->profiles[n++] = *from;
			continue;
		}
		struct profile *into = &index->profiles[n - 1];
		into->prefix_lengths |= from->prefix_lengths;
		into->suffix_lengths |= from->suffix_lengths;
		into->has_templates |= from->has_templates;
		into->has_hosts |= from->has_hosts;
		into->has_always |= from->has_always;
		into->has_exact |= from->has_exact;
	}
	index->n_profiles = n;
}

static int make_table(struct authz_index *index)
{
	size_t n_slots = 8;
	while (n_slots < count_groups(index) * 2)
		n_slots *= 2;
	index->slots = calloc(n_slots, sizeof(*index->slots));
	index->entries = calloc(index->n_records + 1, sizeof(*index->entries));
	index->mask = n_slots - 1;
	return index->slots && index->entries ? 0 : -ENOMEM;
}

int authz_index_seal(struct authz_index *index)
{
	int r = index->n_records ? split_subjects(index) : 0;
	if (r == 0)
		r = make_table(index);
	if (r)
		return r;
	if (index->n_records)
		qsort(index->records, index->n_records, sizeof(*index->records), order_records);
	size_t n_entries = 0;
	for (size_t i = 0; i < index->n_records;) {
		size_t end = group_end(index, i);
		fill_slot(index, i, end, &n_entries);
		i = end;
	}
	if (index->n_profiles)
		merge_profiles(index);
	free(TAKE(index->records));
	index->n_records = index->room_records = 0;
	return 0;
}
