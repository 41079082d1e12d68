#include "authz/relation_tuples.h"

#include "authz/textpool.h"
#include "core/bigmem.h"
#include "core/hash.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Texts are told by where they are in the pool; 0: none. */
struct entry {
	uint32_t object, relation, subject; /* of a subject with its relation, if it has one */
	uint32_t next;                      /* number of another one of the same list; 0: none */
};

/* A list of one object#relation, of its things or its usersets. */
struct list {
	uint32_t tag; /* of its hash, so that few others are looked at */
	uint32_t first;
};

struct relation_tuples {
	const struct relation_tuples *base;
	struct hash_key print_key, place_key;
	struct fingerprints there, gone; /* gone: of the base's */
	size_t n_count;
	bool is_sealed;

	struct textpool texts;
	struct entry *entries; /* numbers count from 1 */
	size_t n_entries, entry_room;
	struct list *lists; /* first 0: free */
	size_t n_lists, list_room;
};

enum { FIRST_ROOM = 64 };

/* Of the longest tuple. */
enum { TEXT_MAX = 3 * RELATION_NAME_MAX + 2 * (RELATION_NAME_MAX + RELATION_ID_MAX) + 8 };

struct relation_tuples *relation_tuples_new(void)
{
	struct hash_key keys[2];
	struct relation_tuples *t = calloc(1, sizeof(*t));
	if (!t || getrandom(keys, sizeof(keys), 0) != sizeof(keys)) {
		free(t);
		return NULL;
	}
	t->print_key = keys[0];
	t->place_key = keys[1];
	t->texts.key = keys[1];
	return t;
}

struct relation_tuples *relation_tuples_over(const struct relation_tuples *base)
{
	struct relation_tuples *t = calloc(1, sizeof(*t));
	assert(base->is_sealed && !base->base);
	if (!t)
		return NULL;
	t->base = base;
	t->print_key = base->print_key;
	t->place_key = base->place_key;
	t->texts.key = base->place_key;
	t->n_count = base->n_count;
	return t;
}

void relation_tuples_free(struct relation_tuples *t)
{
	if (!t)
		return;
	fingerprints_fini(&t->there);
	fingerprints_fini(&t->gone);
	textpool_fini(&t->texts);
	free(t->entries);
	free(t->lists);
	free(t);
}

size_t relation_tuples_count(const struct relation_tuples *t)
{
	return t->n_count;
}

size_t relation_tuples_bytes(const struct relation_tuples *t)
{
	return sizeof(*t) + fingerprints_bytes(&t->there) + fingerprints_bytes(&t->gone) +
	       textpool_bytes(&t->texts) + t->entry_room * sizeof(*t->entries) +
	       t->list_room * sizeof(*t->lists);
}

/* ---- texts ---- */

static void put(char *to, size_t *n, struct sv text)
{
	if (text.n)
		memcpy(to + *n, text.at, text.n);
	*n += text.n;
}

static void put_node(char *to, size_t *n, struct relation_node node)
{
	put(to, n, node.text);
	if (node.relation.n > 0) {
		put(to, n, SVL("#"));
		put(to, n, node.relation);
	}
}

static bool fits(struct relation_node object, struct relation_node subject)
{
	return object.text.n + object.relation.n + subject.text.n + subject.relation.n + 3 <=
	       TEXT_MAX;
}

static struct fingerprint print_of(const struct relation_tuples *t, struct relation_node object,
                                   struct relation_node subject)
{
	char text[TEXT_MAX];
	size_t n = 0;
	put_node(text, &n, object);
	put(text, &n, SVL("@"));
	put_node(text, &n, subject);
	struct hash_wide wide = hash_sip13_wide(t->print_key, (struct sv){text, n});
	struct fingerprint print = {wide.first, wide.second};
	print.low |= (print.high | print.low) == 0;
	return print;
}

static uint32_t intern_node(struct relation_tuples *t, struct relation_node node)
{
	char text[TEXT_MAX];
	size_t n = 0;
	put_node(text, &n, node);
	return textpool_intern(&t->texts, (struct sv){text, n});
}

/* ---- lists ---- */

static uint64_t list_hash(const struct relation_tuples *t, struct relation_node object,
                          bool is_usersets)
{
	char text[TEXT_MAX];
	size_t n = 0;
	put_node(text, &n, object);
	put(text, &n, is_usersets ? SVL("#") : SVL("@"));
	return hash_sip13(t->place_key, (struct sv){text, n});
}

static size_t list_place(const struct relation_tuples *t, uint64_t hash)
{
	return (size_t)((unsigned __int128)hash * t->list_room >> 64);
}

static struct relation_node entry_object(const struct relation_tuples *t, const struct entry *e)
{
	return (struct relation_node){textpool_text(&t->texts, e->object),
	                              textpool_text(&t->texts, e->relation)};
}

static struct relation_node entry_subject(const struct relation_tuples *t, const struct entry *e)
{
	struct sv text = textpool_text(&t->texts, e->subject);
	size_t hash = sv_find(text, '#');
	return (struct relation_node){sv_first(text, hash), sv_from(text, hash + 1)};
}

static bool is_list_of(const struct relation_tuples *t, const struct list *list,
                       struct relation_node object, bool is_usersets)
{
	const struct entry *e = &t->entries[list->first - 1];
	struct relation_node there = entry_object(t, e);
	return sv_eq(there.text, object.text) && sv_eq(there.relation, object.relation) &&
	       (entry_subject(t, e).relation.n > 0) == is_usersets;
}

/* The list, or the free place where it would go. */
static struct list *list_slot(const struct relation_tuples *t, uint64_t hash,
                              struct relation_node object, bool is_usersets)
{
	size_t i = list_place(t, hash);
	while (t->lists[i].first && (t->lists[i].tag != (uint32_t)hash ||
	                             !is_list_of(t, &t->lists[i], object, is_usersets)))
		i = i + 1 < t->list_room ? i + 1 : 0;
	return &t->lists[i];
}

/* Lists into that many places. false: no memory */
static bool move_lists(struct relation_tuples *t, size_t room)
{
	struct list *before = t->lists, *fresh = bigmem_new(room * sizeof(*fresh));
	size_t n = t->list_room;
	if (!fresh)
		return false;
	t->lists = fresh;
	t->list_room = room;
	for (size_t i = 0; i < n; i++) {
		if (!before[i].first)
			continue;
		const struct entry *e = &t->entries[before[i].first - 1];
		struct relation_node object = entry_object(t, e);
		bool is_usersets = entry_subject(t, e).relation.n > 0;
		*list_slot(t, list_hash(t, object, is_usersets), object, is_usersets) = before[i];
	}
	free(before);
	return true;
}

static bool grow_lists(struct relation_tuples *t)
{
	return t->n_lists + 1 <= t->list_room / 4 * 3 ||
	       move_lists(t, t->list_room ? 2 * t->list_room : FIRST_ROOM);
}

static void enter(struct relation_tuples *t, struct relation_node object, bool is_userset)
{
	uint64_t hash = list_hash(t, object, is_userset);
	struct list *list = list_slot(t, hash, object, is_userset);
	t->n_lists += list->first == 0;
	t->entries[t->n_entries - 1].next = list->first;
	*list = (struct list){(uint32_t)hash, (uint32_t)t->n_entries};
}

/* ---- filling ---- */

static struct relation_node object_of(const struct relation_tuple *tuple)
{
	return (struct relation_node){tuple->object.text, tuple->relation};
}

static struct relation_node subject_of(const struct relation_tuple *tuple)
{
	return (struct relation_node){tuple->subject.text, tuple->subject.relation};
}

static bool base_has(const struct relation_tuples *t, struct fingerprint print)
{
	return t->base && fingerprints_has(&t->base->there, print);
}

static int add_entry(struct relation_tuples *t, struct relation_node object,
                     struct relation_node subject)
{
	struct entry e = {textpool_intern(&t->texts, object.text),
	                  textpool_intern(&t->texts, object.relation), intern_node(t, subject), 0};
	if (!e.object || !e.relation || !e.subject || !grow_lists(t) ||
	    !bigmem_grow(&t->entries, &t->entry_room, t->n_entries, t->n_entries + 1,
	                 sizeof(*t->entries)))
		return -ENOMEM;
	t->entries[t->n_entries++] = e;
	enter(t, object, subject.relation.n > 0);
	return 0;
}

int relation_tuples_add(struct relation_tuples *t, const struct relation_tuple *tuple)
{
	struct relation_node object = object_of(tuple), subject = subject_of(tuple);
	assert(!t->is_sealed);
	if (!fits(object, subject))
		return -EFBIG;
	struct fingerprint print = print_of(t, object, subject);
	if (fingerprints_has(&t->there, print) || fingerprints_has(&t->gone, print))
		return 0;
	if (t->n_count >= RELATION_TUPLES_MAX)
		return -EFBIG;
	bool is_new = !base_has(t, print);
	int r = is_new ? add_entry(t, object, subject) : 0;
	if (r == 0 && !fingerprints_add(&t->there, print))
		r = -ENOMEM;
	t->n_count += r == 0 && is_new;
	return r;
}

int relation_tuples_remove(struct relation_tuples *t, const struct relation_tuple *tuple)
{
	struct relation_node object = object_of(tuple), subject = subject_of(tuple);
	assert(!t->is_sealed);
	if (!fits(object, subject))
		return 0; /* it is in no table */
	struct fingerprint print = print_of(t, object, subject);
	if (fingerprints_has(&t->there, print) || fingerprints_has(&t->gone, print))
		return 0;
	if (!fingerprints_add(&t->gone, print))
		return -ENOMEM;
	t->n_count -= base_has(t, print);
	return 0;
}

/* What cannot be given back stays. */
void relation_tuples_seal(struct relation_tuples *t)
{
	t->is_sealed = true;
	fingerprints_seal(&t->there);
	fingerprints_seal(&t->gone);
	textpool_seal(&t->texts);
	if (t->n_entries == 0)
		return;
	(void)move_lists(t, t->n_lists + t->n_lists / 4 + 1);
	bigmem_shrink(&t->entries, &t->entry_room, t->n_entries, sizeof(*t->entries));
}

/* ---- looking ---- */

static const struct relation_tuples *most_of(const struct relation_tuples *t)
{
	return t->base ? t->base : t;
}

struct relation_probe relation_probe_start(const struct relation_tuples *t,
                                           struct relation_node object,
                                           struct relation_node subject)
{
	struct relation_probe probe = {{0, 0}}; /* is nowhere */
	if (!fits(object, subject))
		return probe;
	probe.print = print_of(t, object, subject);
	fingerprints_expect(&most_of(t)->there, probe.print);
	return probe;
}

bool relation_probe_is_there(const struct relation_tuples *t, struct relation_probe probe)
{
	return fingerprints_has(&t->there, probe.print) ||
	       (base_has(t, probe.print) && !fingerprints_has(&t->gone, probe.print));
}

bool relation_tuples_has(const struct relation_tuples *t, struct relation_node object,
                         struct relation_node subject)
{
	return relation_probe_is_there(t, relation_probe_start(t, object, subject));
}

void relation_walk_start(struct relation_walk *walk, const struct relation_tuples *t,
                         struct relation_node object, bool wants_usersets)
{
	const struct relation_tuples *most = most_of(t);
	*walk = (struct relation_walk){
		.tuples = t, .in = t, .object = object, .wants_usersets = wants_usersets};
	if (object.text.n + object.relation.n + 2 > TEXT_MAX) {
		walk->tuples = walk->in = NULL;
		return;
	}
	walk->hash = list_hash(t, object, wants_usersets);
	if (most->n_lists > 0)
		__builtin_prefetch(&most->lists[list_place(most, walk->hash)]);
}

static void enter_table(struct relation_walk *walk)
{
	walk->next = walk->in->n_lists == 0
	                     ? 0
	                     : list_slot(walk->in, walk->hash, walk->object, walk->wants_usersets)
	                               ->first;
}

/* In the first table, and then in the one below it. false: no more */
static bool find_next(struct relation_walk *walk)
{
	if (!walk->is_begun && walk->in)
		enter_table(walk);
	walk->is_begun = true;
	while (walk->next == 0 && walk->in) {
		walk->in = walk->in->base;
		if (walk->in)
			enter_table(walk);
	}
	return walk->next != 0;
}

static bool is_gone(const struct relation_walk *walk)
{
	const struct relation_tuples *t = walk->tuples;
	return walk->in != t && t->gone.n > 0 &&
	       fingerprints_has(&t->gone, print_of(t, walk->object, walk->subject));
}

bool relation_walk_next(struct relation_walk *walk)
{
	while (find_next(walk)) {
		const struct entry *e = &walk->in->entries[walk->next - 1];
		walk->subject = entry_subject(walk->in, e);
		walk->next = e->next;
		if (!is_gone(walk))
			return true;
	}
	return false;
}
