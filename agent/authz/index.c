#include "authz/index.h"

#include "core/hash.h"
#include "core/limits.h"
#include "model/identity.h"
#include "model/request.h"

#include <errno.h>
#include <stdlib.h>

/* Every way to reach rules is one 64-bit key into one open-addressing table: the whole path, a prefix
 * or suffix of it, the host, a node of the template trie, and each of these with a caller beside it.
 * Keys are hashes and not compared further: two that collide share their rules, which only makes more
 * candidates. Only the operator fills the table, so its keys need no secret.
 */
enum key_kind {
	KEY_EXACT = 1,
	KEY_PREFIX,
	KEY_SUFFIX,
	KEY_HOST,
	KEY_ALWAYS,
	KEY_NODE,    /* the trie's root; other nodes follow from it */
	KEY_LITERAL, /* child by segment */
	KEY_STAR,    /* child for any one segment */
	KEY_END,     /* rules whose template ends at the node */
	KEY_REST,    /* rules whose template has {**} at the node */
	KEY_WORKLOAD,
	KEY_USER,
	KEY_ALL,     /* every rule of the space */
	KEY_PROFILE, /* what kinds of keys the space has: no entries, start counts profiles */
	KEY_SPACE,
};

enum slot_flag {
	SLOT_USED = 1,
	SLOT_SUBJECTS = 2, /* more entries stand under this key and a caller */
	SLOT_STAR = 4,
	SLOT_LITERAL = 8,
};

enum {
	SUBJECTS_MAX = 16,       /* callers of one rule that get a key of their own */
	SUBJECTS_MIN = 8,        /* below that many, a list is walked faster than probed */
	REPRESENTATIVES_MAX = 8, /* of a list's caller entries, kept to explain a denial */
};

struct slot {
	uint64_t key;
	uint32_t start;
	uint32_t n : 28;
	uint32_t flags : 4;
};

/* An entry on its way into the table. */
struct record {
	uint64_t key;
	uint64_t facet;   /* equal for operations that differ in nothing but path and caller */
	uint64_t subject; /* key of the caller; 0: any */
	uint32_t rule;
	uint16_t methods;
	uint8_t node_flags; /* for a node of the trie: no entry, only flags */
};

/* Which look-ups can find anything in a space: each one left out is a cache miss saved. */
struct profile {
	uint64_t key;
	uint64_t prefix_lengths; /* bit n % 64: some prefix is n bytes long */
	uint64_t suffix_lengths;
	bool has_templates, has_hosts;
};

struct authz_index {
	struct slot *slots;
	size_t mask;
	struct authz_entry *entries;
	struct profile *profiles;
	size_t n_profiles, room_profiles;

	struct record *records; /* until sealed */
	size_t n_records, room_records;
};

/* ---- keys ---- */

/* source: MurmurHash3's 64-bit finaliser, public domain */
static uint64_t mix(uint64_t h)
{
	h ^= h >> 33;
	h *= 0xff51afd7ed558ccdU;
	h ^= h >> 33;
	h *= 0xc4ceb9fe1a85ec53U;
	h ^= h >> 33;
	return h;
}

static uint64_t key_of(enum key_kind kind, uint64_t a, uint64_t b)
{
	return mix(mix(a + (uint64_t)kind * 0x9e3779b97f4a7c15U) ^ b);
}

static uint64_t step(uint64_t h, char c)
{
	return (h ^ (uint8_t)c) * 0x100000001b3U;
}

static uint64_t hash_folded(struct sv text)
{
	uint64_t h = hash_fnv1a((struct sv){0});
	for (size_t i = 0; i < text.n; i++)
		h = step(h, sv_lower_char(text.at[i]));
	return h;
}

static uint64_t hash_reversed(struct sv text)
{
	uint64_t h = hash_fnv1a((struct sv){0});
	for (size_t i = text.n; i > 0; i--)
		h = step(h, text.at[i - 1]);
	return h;
}

static uint64_t root_key(uint64_t space)
{
	return key_of(KEY_NODE, space, 0);
}

uint64_t authz_index_host_space(struct sv host)
{
	return key_of(KEY_SPACE, 0, hash_folded(host));
}

static uint64_t child_key(uint64_t node, struct sv segment)
{
	return key_of(KEY_LITERAL, node, hash_fnv1a(segment));
}

/* ---- methods ---- */

enum { METHOD_OTHER = 1 << 15, METHOD_ANY = 0xffff };

static uint16_t method_bit(struct sv method)
{
	static const struct sv methods[] = {SV("GET"),     SV("HEAD"),    SV("POST"),
	                                    SV("PUT"),     SV("DELETE"),  SV("PATCH"),
	                                    SV("OPTIONS"), SV("CONNECT"), SV("TRACE")};
	for (size_t i = 0; i < ARRAY_LEN(methods); i++)
		if (sv_eq(methods[i], method))
			return (uint16_t)(1U << i);
	return METHOD_OTHER;
}

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

/* ---- building ---- */

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

static struct subjects subjects_of(const struct authz_rule *rule)
{
	struct subjects s = {0};
	for (size_t i = 0; i < rule->n_from; i++)
		if (!add_subjects(&s, &rule->from[i]))
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
		return enter(e, key_of(KEY_EXACT, e->space, hash_fnv1a(t->match.text)));
	case AUTHZ_MATCH_PREFIX:
		return enter_prefix(e, t->match.text);
	case AUTHZ_MATCH_SUFFIX:
		return enter_suffix(e, t->match.text);
	case AUTHZ_MATCH_PRESENT:
	case AUTHZ_MATCH_NEVER:
		break;
	}
	return enter(e, key_of(KEY_ALWAYS, e->space, 0));
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
	return operation->n_paths ? r : enter(e, key_of(KEY_ALWAYS, e->space, 0));
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
	for (size_t i = 0; i < rule->n_to && r == 0; i++)
		r = enter_operation(&e, &rule->to[i]);
	if (r == 0 && rule->n_to == 0)
		r = enter(&e, key_of(KEY_ALWAYS, space, 0));
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

static struct slot *slot_for(const struct authz_index *index, uint64_t key)
{
	size_t i = key & index->mask;
	while (index->slots[i].flags && index->slots[i].key != key)
		i = (i + 1) & index->mask;
	return &index->slots[i];
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

/* ---- look-up ---- */

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
	struct finding f = {
		.index = index,
		.space = space,
		.profile = find_profile(index, space),
		.view = view,
		.into = into,
		.user = who->principal.n ? key_of(KEY_USER, 0, hash_fnv1a(who->principal)) : 0,
		.workload = workload.n ? key_of(KEY_WORKLOAD, 0, hash_fnv1a(workload)) : 0,
		.method = method.n ? method_bit(method) : METHOD_ANY,
	};
	if (!f.profile)
		return;
	take(&f, key_of(KEY_ALWAYS, space, 0));
	find_heads(&f);
	if (f.profile->suffix_lengths)
		find_tails(&f);
	if (f.profile->has_hosts)
		take(&f, key_of(KEY_HOST, space, hash_folded(view->host)));
	if (f.profile->has_templates)
		find_templates(&f);
}

const struct authz_entry *authz_index_all(const struct authz_index *index, uint64_t space,
                                          size_t *ret_n)
{
	const struct slot *slot = slot_for(index, key_of(KEY_ALL, space, 0));
	*ret_n = slot->flags ? slot->n : 0;
	return &index->entries[slot->start];
}
