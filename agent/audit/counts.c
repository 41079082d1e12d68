#include "audit/counts.h"

#include "core/hash.h"
#include "core/names.h"
#include "core/netaddr.h"
#include "core/secret.h"

#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- over time ---- */

int audit_histogram_begin(struct audit_histogram *histogram, uint64_t from_us, uint64_t to_us,
                          uint64_t step_us)
{
	if (step_us == 0 || to_us <= from_us)
		return -EINVAL;
	uint64_t first = from_us / step_us, last = (to_us - 1) / step_us;
	if (last - first >= HISTOGRAM_STEPS_MAX)
		return -E2BIG;
	*histogram = (struct audit_histogram){
		.from_us = first * step_us, .step_us = step_us, .n = (size_t)(last - first) + 1};
	return 0;
}

int audit_histogram_add(void *user, const struct audit_row *row)
{
	struct audit_histogram *histogram = user;
	uint64_t at_us = row->record.at_us;
	if (at_us < histogram->from_us)
		return 0;
	uint64_t i = (at_us - histogram->from_us) / histogram->step_us;
	if (i >= histogram->n)
		return 0;
	if (row->record.has_verdict)
		histogram->bars[i].verdicts[row->record.effect]++;
	else
		histogram->bars[i].others++;
	return 0;
}

/* ---- by value ---- */

enum { TEXT_ROOM = 64, SLOTS = 2 * FACET_VALUES_MAX };

/* The text of a row's field, into room where it is none of the record's; empty: it has none. */
typedef struct sv text_fn(const struct audit_row *row, char room[TEXT_ROOM]);

#define TEXT_OF(member)                                                                   \
	static struct sv text_##member(const struct audit_row *row, char room[TEXT_ROOM]) \
	{                                                                                 \
		(void)room;                                                               \
		return row->record.member;                                                \
	}
TEXT_OF(service)
TEXT_OF(source_service)
TEXT_OF(policy)
TEXT_OF(user)
TEXT_OF(issuer)
TEXT_OF(client)
TEXT_OF(workload)
TEXT_OF(method)
TEXT_OF(route)
TEXT_OF(reason)

static struct sv text_verdict(const struct audit_row *row, char room[TEXT_ROOM])
{
	(void)room;
	return row->record.has_verdict ? sv_of(verdict_effect_name(row->record.effect))
	                               : (struct sv){0};
}

static struct sv text_auth_method(const struct audit_row *row, char room[TEXT_ROOM])
{
	(void)room;
	return row->record.has_verdict ? sv_of(names_of(auth_method_names, AUTH_METHOD_COUNT,
	                                                row->record.auth_method))
	                               : (struct sv){0};
}

static struct sv text_kind(const struct audit_row *row, char room[TEXT_ROOM])
{
	(void)room;
	return sv_of(audit_kind_name(row->record.kind));
}

static struct sv text_ip(const struct audit_row *row, char room[TEXT_ROOM])
{
	static_assert((int)NETADDR_TEXT_BYTES <= (int)TEXT_ROOM, "its text fits");
	return row->record.src.family ? netaddr_format(&row->record.src, room) : (struct sv){0};
}

static struct sv text_outcome_status(const struct audit_row *row, char room[TEXT_ROOM])
{
	int64_t status = row->has_outcome ? audit_number(row->outcome.out_status) : -1;
	if (status < 0)
		return (struct sv){0};
	(void)snprintf(room, TEXT_ROOM, "%" PRId64, status);
	return sv_of(room);
}

struct audit_facet_field {
	const char *name;
	text_fn *text;
};
static const struct audit_facet_field fields[] = {
	{"verdict", text_verdict},
	{"service", text_service},
	{"policy", text_policy},
	{"reason", text_reason},
	{"user", text_user},
	{"client", text_client},
	{"issuer", text_issuer},
	{"auth_method", text_auth_method},
	{"workload", text_workload},
	{"source_service", text_source_service},
	{"ip", text_ip},
	{"method", text_method},
	{"route", text_route},
	{"outcome_status", text_outcome_status},
	{"kind", text_kind},
};

const struct audit_facet_field *audit_facet_field(struct sv name)
{
	for (size_t i = 0; i < ARRAY_LEN(fields); i++)
		if (sv_eq(name, sv_of(fields[i].name)))
			return &fields[i];
	return NULL;
}

const char *audit_facet_name(const struct audit_facet_field *field)
{
	return field->name;
}

struct slot {
	char *text; /* NULL: free */
	size_t n;
	uint64_t count;
};

struct facet {
	const struct audit_facet_field *field;
	struct slot *slots; /* open addressing, half full at most */
	size_t n_values;
	uint64_t n_others;
};

struct audit_facets {
	struct hash_key key; /* values are strangers' */
	struct facet at[FACETS_MAX];
	size_t n;
};

void audit_facets_free(struct audit_facets *facets)
{
	if (!facets)
		return;
	for (size_t i = 0; i < facets->n; i++) {
		for (size_t k = 0; facets->at[i].slots && k < SLOTS; k++)
			free(facets->at[i].slots[k].text);
		free(facets->at[i].slots);
	}
	free(facets);
}

static void free_facets(struct audit_facets **facets)
{
	audit_facets_free(*facets);
}

struct audit_facets *audit_facets_new(const struct audit_facet_field *const *wanted, size_t n)
{
	CLEANUP(free_facets) struct audit_facets *facets = calloc(1, sizeof(*facets));
	if (!facets || n > FACETS_MAX || !secret_random(&facets->key, sizeof(facets->key)))
		return NULL;
	for (; facets->n < n; facets->n++) {
		struct facet *facet = &facets->at[facets->n];
		facet->field = wanted[facets->n];
		facet->slots = calloc(SLOTS, sizeof(*facet->slots));
		if (!facet->slots)
			return NULL;
	}
	return TAKE(facets);
}

static struct slot *find_slot(const struct audit_facets *facets, const struct facet *facet,
                              struct sv text)
{
	size_t i = hash_sip13(facets->key, text) % SLOTS;
	while (facet->slots[i].text &&
	       !sv_eq((struct sv){facet->slots[i].text, facet->slots[i].n}, text))
		i = (i + 1) % SLOTS;
	return &facet->slots[i];
}

static int add_value(const struct audit_facets *facets, struct facet *facet, struct sv text)
{
	struct slot *slot = find_slot(facets, facet, text);
	if (!slot->text && facet->n_values == FACET_VALUES_MAX) {
		facet->n_others++;
		return 0;
	}
	if (!slot->text) {
		slot->text = malloc(text.n);
		if (!slot->text)
			return -ENOMEM;
		memcpy(slot->text, text.at, text.n);
		slot->n = text.n;
		facet->n_values++;
	}
	slot->count++;
	return 0;
}

int audit_facets_add(void *user, const struct audit_row *row)
{
	struct audit_facets *facets = user;
	char room[TEXT_ROOM];
	for (size_t i = 0; i < facets->n; i++) {
		struct sv text = facets->at[i].field->text(row, room);
		int r = text.n ? add_value(facets, &facets->at[i], text) : 0;
		if (r != 0)
			return r;
	}
	return 0;
}

static bool goes_before(const struct audit_facet_value *a, const struct audit_facet_value *b)
{
	return a->count != b->count ? a->count > b->count : sv_cmp(a->text, b->text) < 0;
}

/* Into its place among the n best; what falls off the end is forgotten. */
static size_t insert(struct audit_facet_value *best, size_t n, size_t max,
                     struct audit_facet_value value)
{
	size_t at = n;
	while (at > 0 && goes_before(&value, &best[at - 1]))
		at--;
	if (at == max)
		return n;
	n = MIN_OF(n + 1, max);
	memmove(best + at + 1, best + at, (n - at - 1) * sizeof(*best));
	best[at] = value;
	return n;
}

size_t audit_facets_top(const struct audit_facets *facets, size_t i, struct audit_facet_value *ret,
                        size_t max, size_t *ret_values, uint64_t *ret_others)
{
	const struct facet *facet = &facets->at[i];
	size_t n = 0;
	for (size_t k = 0; k < SLOTS; k++) {
		const struct slot *slot = &facet->slots[k];
		if (slot->text)
			n = insert(ret, n, max,
			           (struct audit_facet_value){{slot->text, slot->n}, slot->count});
	}
	*ret_values = facet->n_values;
	*ret_others = facet->n_others;
	return n;
}
