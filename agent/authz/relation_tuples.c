#include "authz/relation_tuples.h"

#include "core/hash.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* Numbers count from 1; slots hold them, 0 is free. Tables are at most three quarters full. */
struct entry {
	uint32_t object, relation, subject, subject_relation;
	uint32_t next; /* of the same object and relation */
};

struct relation_tuples {
	struct hash_key key;
	char *pool;
	size_t n_pool, pool_room;
	uint32_t *names; /* where each ends in the pool */
	size_t n_names, name_room;
	uint32_t *name_slots;
	size_t name_mask;
	struct entry *entries;
	size_t n_entries, entry_room;
	uint32_t *tuple_slots; /* by all of it */
	uint32_t *set_slots;   /* by object and relation: the newest */
	size_t tuple_mask;     /* of both */
};

enum { FIRST_ROOM = 64 };

struct relation_tuples *relation_tuples_new(void)
{
	struct relation_tuples *t = calloc(1, sizeof(*t));
	if (t && getrandom(&t->key, sizeof(t->key), 0) == sizeof(t->key))
		return t;
	free(t);
	return NULL;
}

void relation_tuples_free(struct relation_tuples *t)
{
	if (!t)
		return;
	free(t->pool);
	free(t->names);
	free(t->name_slots);
	free(t->entries);
	free(t->tuple_slots);
	free(t->set_slots);
	free(t);
}

size_t relation_tuples_count(const struct relation_tuples *t)
{
	return t->n_entries;
}

size_t relation_tuples_bytes(const struct relation_tuples *t)
{
	size_t slots = (t->name_slots ? t->name_mask + 1 : 0) +
	               (t->tuple_slots ? 2 * (t->tuple_mask + 1) : 0);
	return sizeof(*t) + t->pool_room + t->name_room * sizeof(*t->names) +
	       t->entry_room * sizeof(*t->entries) + slots * sizeof(uint32_t);
}

/* ---- names ---- */

struct sv relation_tuples_text(const struct relation_tuples *t, uint32_t name)
{
	if (name == 0 || name > t->n_names)
		return (struct sv){0};
	uint32_t from = name > 1 ? t->names[name - 2] : 0;
	return (struct sv){t->pool + from, t->names[name - 1] - from};
}

/* The slot that holds the text, or the free one where it would go. */
static uint32_t *name_slot(const struct relation_tuples *t, struct sv text)
{
	size_t i = hash_sip13(t->key, text) & t->name_mask;
	while (t->name_slots[i] && !sv_eq(relation_tuples_text(t, t->name_slots[i]), text))
		i = (i + 1) & t->name_mask;
	return &t->name_slots[i];
}

uint32_t relation_tuples_name(const struct relation_tuples *t, struct sv text)
{
	return t->name_slots && text.n ? *name_slot(t, text) : 0;
}

/* errors: false: no memory */
static bool grow(void *at, size_t *room, size_t wanted, size_t size)
{
	void **array = at;
	size_t more = *room;
	if (wanted <= *room)
		return true;
	while (more < wanted)
		more = more ? more + more / 2 : FIRST_ROOM;
	void *grown = reallocarray(*array, more, size);
	if (!grown)
		return false;
	*array = grown;
	*room = more;
	return true;
}

static bool grow_name_slots(struct relation_tuples *t)
{
	size_t n = t->name_slots ? t->name_mask + 1 : 0;
	if (t->n_names + 1 <= n / 4 * 3)
		return true;
	n = n ? 2 * n : 2 * FIRST_ROOM;
	uint32_t *slots = calloc(n, sizeof(*slots));
	if (!slots)
		return false;
	free(t->name_slots);
	t->name_slots = slots;
	t->name_mask = n - 1;
	for (uint32_t i = 1; i <= t->n_names; i++)
		*name_slot(t, relation_tuples_text(t, i)) = i;
	return true;
}

/* errors: 0: no memory */
static uint32_t intern(struct relation_tuples *t, struct sv text)
{
	uint32_t found = relation_tuples_name(t, text);
	if (found)
		return found;
	if (t->n_pool + text.n > UINT32_MAX || !grow_name_slots(t) ||
	    !grow(&t->pool, &t->pool_room, t->n_pool + text.n, 1) ||
	    !grow(&t->names, &t->name_room, t->n_names + 1, sizeof(*t->names)))
		return 0;
	memcpy(t->pool + t->n_pool, text.at, text.n);
	t->n_pool += text.n;
	t->names[t->n_names++] = (uint32_t)t->n_pool;
	*name_slot(t, text) = (uint32_t)t->n_names;
	return (uint32_t)t->n_names;
}

/* ---- tuples ---- */

static uint64_t mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93U;
	h ^= h >> 32;
	h *= 0xd6e8feb86659fd93U;
	return h ^ h >> 32;
}

static uint64_t set_hash(const struct relation_tuples *t, uint32_t object, uint32_t relation)
{
	return mix(((uint64_t)object << 32 | relation) ^ t->key.k0);
}

static uint32_t *tuple_slot(const struct relation_tuples *t, const struct entry *e)
{
	uint64_t h = set_hash(t, e->object, e->relation) ^ t->key.k1;
	size_t i = mix(h ^ ((uint64_t)e->subject << 32 | e->subject_relation)) & t->tuple_mask;
	for (; t->tuple_slots[i]; i = (i + 1) & t->tuple_mask) {
		const struct entry *there = &t->entries[t->tuple_slots[i] - 1];
		if (there->object == e->object && there->relation == e->relation &&
		    there->subject == e->subject && there->subject_relation == e->subject_relation)
			break;
	}
	return &t->tuple_slots[i];
}

static uint32_t *set_slot(const struct relation_tuples *t, uint32_t object, uint32_t relation)
{
	size_t i = set_hash(t, object, relation) & t->tuple_mask;
	for (; t->set_slots[i]; i = (i + 1) & t->tuple_mask) {
		const struct entry *there = &t->entries[t->set_slots[i] - 1];
		if (there->object == object && there->relation == relation)
			break;
	}
	return &t->set_slots[i];
}

static void enter(struct relation_tuples *t, uint32_t number)
{
	struct entry *e = &t->entries[number - 1];
	uint32_t *set = set_slot(t, e->object, e->relation);
	e->next = *set;
	*set = number;
	*tuple_slot(t, e) = number;
}

static bool grow_tuple_slots(struct relation_tuples *t)
{
	size_t n = t->tuple_slots ? t->tuple_mask + 1 : 0;
	if (t->n_entries + 1 <= n / 4 * 3)
		return true;
	n = n ? 2 * n : 2 * FIRST_ROOM;
	uint32_t *tuples = calloc(n, sizeof(*tuples)), *sets = calloc(n, sizeof(*sets));
	if (!tuples || !sets) {
		free(tuples);
		free(sets);
		return false;
	}
	free(t->tuple_slots);
	free(t->set_slots);
	t->tuple_slots = tuples;
	t->set_slots = sets;
	t->tuple_mask = n - 1;
	for (uint32_t i = 1; i <= t->n_entries; i++)
		enter(t, i);
	return true;
}

int relation_tuples_add(struct relation_tuples *t, const struct relation_tuple *tuple)
{
	struct entry e = {.object = intern(t, tuple->object.text),
	                  .relation = intern(t, tuple->relation),
	                  .subject = intern(t, tuple->subject.text)};
	if (tuple->subject.relation.n > 0)
		e.subject_relation = intern(t, tuple->subject.relation);
	if (!e.object || !e.relation || !e.subject ||
	    (tuple->subject.relation.n > 0 && !e.subject_relation))
		return -ENOMEM;
	if (t->n_entries >= RELATION_TUPLES_MAX)
		return -EFBIG;
	if (!grow_tuple_slots(t) ||
	    !grow(&t->entries, &t->entry_room, t->n_entries + 1, sizeof(*t->entries)))
		return -ENOMEM;
	if (*tuple_slot(t, &e))
		return 0;
	t->entries[t->n_entries++] = e;
	enter(t, (uint32_t)t->n_entries);
	return 0;
}

/* What cannot be given back stays. */
static void shrink(void *at, size_t *room, size_t n, size_t size)
{
	void **array = at;
	void *less = n ? reallocarray(*array, n, size) : NULL;
	if (!less)
		return;
	*array = less;
	*room = n;
}

void relation_tuples_seal(struct relation_tuples *t)
{
	shrink(&t->pool, &t->pool_room, t->n_pool, 1);
	shrink(&t->names, &t->name_room, t->n_names, sizeof(*t->names));
	shrink(&t->entries, &t->entry_room, t->n_entries, sizeof(*t->entries));
}

bool relation_tuples_has(const struct relation_tuples *t, uint32_t object, uint32_t relation,
                         uint32_t subject, uint32_t subject_relation)
{
	const struct entry e = {object, relation, subject, subject_relation, 0};
	return t->tuple_slots && object && relation && subject && *tuple_slot(t, &e) != 0;
}

static bool tell(const struct relation_tuples *t, uint32_t number, struct relation_subject *ret)
{
	if (number == 0)
		return false;
	const struct entry *e = &t->entries[number - 1];
	*ret = (struct relation_subject){e->subject, e->subject_relation, e->next};
	return true;
}

bool relation_tuples_first(const struct relation_tuples *t, uint32_t object, uint32_t relation,
                           struct relation_subject *ret)
{
	return t->set_slots && object && relation && tell(t, *set_slot(t, object, relation), ret);
}

bool relation_tuples_next(const struct relation_tuples *t, struct relation_subject *at)
{
	return tell(t, at->next, at);
}
