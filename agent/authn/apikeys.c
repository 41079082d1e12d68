#include "authn/apikeys.h"

#include "core/secret.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>

enum { DAY_MAX = INT32_MAX }; /* since 1970, where twice of it still fits into a mark */

/* The texts of a row stand one after the other, in this order. */
enum part { PART_OWNER, PART_CLIENT, PART_GROUPS, PART_SCOPES, PART_SERVICES, PART_COUNT };

struct row {
	char id[APIKEY_TEXT_ID_CHARS];
	uint8_t mac[SHA256_BYTES];
	int64_t ends_s;
	uint32_t texts_at;    /* in texts */
	uint32_t networks_at; /* in networks */
	uint32_t told_day;
	uint16_t n_networks;
	uint16_t n_parts[PART_COUNT]; /* bytes */
	bool is_revoked, is_disabled;
};

struct apikeys {
	struct shared shared; /* first */
	struct hash_key hash;
	uint8_t pepper[APIKEY_PEPPER_BYTES];
	struct row *rows;
	atomic_uint_least32_t *marks; /* beside rows: twice the day, plus one when it is noted */
	size_t n, room;
	uint32_t *places; /* open addressing: row + 1; 0: empty */
	size_t n_places;  /* power of two, at least twice the room */
	char *texts;
	size_t n_texts, room_texts;
	struct netblock *networks;
	size_t n_networks, room_networks;
};

static void free_table(struct shared *shared)
{
	struct apikeys *table = (struct apikeys *)shared;
	secret_wipe(table->pepper, sizeof(table->pepper));
	free(table->rows);
	free(table->marks);
	free(table->places);
	free(table->texts);
	free(table->networks);
	free(table);
}

static void unrefp(struct apikeys **table)
{
	if (*table)
		shared_unref(&(*table)->shared);
}

int apikeys_new(const uint8_t pepper[static APIKEY_PEPPER_BYTES], size_t n_room,
                struct apikeys **ret)
{
	CLEANUP(unrefp) struct apikeys *table = calloc(1, sizeof(*table));
	if (!table)
		return -ENOMEM;
	shared_init(&table->shared, free_table);
	if (n_room >= UINT32_MAX / 4)
		return -ENOMEM;
	memcpy(table->pepper, pepper, sizeof(table->pepper));
	table->room = n_room;
	for (table->n_places = 16; table->n_places < n_room * 2;)
		table->n_places *= 2;
	table->rows = calloc(n_room ? n_room : 1, sizeof(*table->rows));
	table->marks = calloc(n_room ? n_room : 1, sizeof(*table->marks));
	table->places = calloc(table->n_places, sizeof(*table->places));
	if (!table->rows || !table->marks || !table->places)
		return -ENOMEM;
	if (!secret_random(&table->hash, sizeof(table->hash)))
		return -EIO;
	*ret = TAKE(table);
	return 0;
}

struct shared *apikeys_shared(struct apikeys *table)
{
	return &table->shared;
}

const struct apikeys *apikeys_of(const struct shared *shared)
{
	return (const struct apikeys *)shared;
}

size_t apikeys_count(const struct apikeys *table)
{
	return table->n;
}

const uint8_t *apikeys_pepper(const struct apikeys *table)
{
	return table->pepper;
}

/* ---- finding ---- */

/* The place of id, or the empty one where it would stand: there always is one, half of all are. */
static size_t probe(const struct apikeys *table, struct sv id)
{
	size_t mask = table->n_places - 1;
	size_t at = (size_t)hash_sip13(table->hash, id) & mask;
	while (table->places[at] &&
	       memcmp(table->rows[table->places[at] - 1].id, id.at, APIKEY_TEXT_ID_CHARS) != 0)
		at = (at + 1) & mask;
	return at;
}

apikeys_place apikeys_find(const struct apikeys *table, struct sv id)
{
	if (id.n != APIKEY_TEXT_ID_CHARS)
		return APIKEYS_NONE;
	return (apikeys_place)table->places[probe(table, id)] - 1;
}

void apikeys_at(const struct apikeys *table, apikeys_place place, struct apikey *ret)
{
	const struct row *row = &table->rows[place];
	struct sv parts[PART_COUNT];
	size_t at = row->texts_at;
	for (size_t i = 0; i < PART_COUNT; i++) {
		parts[i] = (struct sv){table->texts ? table->texts + at : NULL, row->n_parts[i]};
		at += row->n_parts[i];
	}
	*ret = (struct apikey){
		.id = {row->id, sizeof(row->id)},
		.mac = {(const char *)row->mac, sizeof(row->mac)},
		.owner = parts[PART_OWNER],
		.client = parts[PART_CLIENT],
		.groups = parts[PART_GROUPS],
		.scopes = parts[PART_SCOPES],
		.services = parts[PART_SERVICES],
		.ends_s = row->ends_s,
		.is_revoked = row->is_revoked,
		.is_disabled = row->is_disabled,
		.used_day = apikeys_used_day(table, place),
	};
}

bool apikeys_network_ok(const struct apikeys *table, apikeys_place place, const struct netaddr *src)
{
	const struct row *row = &table->rows[place];
	for (size_t i = 0; i < row->n_networks; i++)
		if (netblock_has(&table->networks[row->networks_at + i], src))
			return true;
	return row->n_networks == 0;
}

/* ---- use ---- */

static uint32_t mark_at(const struct apikeys *table, apikeys_place place)
{
	return atomic_load_explicit(&table->marks[place], memory_order_relaxed);
}

void apikeys_mark_used(const struct apikeys *table, apikeys_place place, int64_t day)
{
	if (day <= 0 || day > DAY_MAX || mark_at(table, place) / 2 == (uint32_t)day)
		return;
	atomic_store_explicit(&table->marks[place], (uint32_t)day * 2, memory_order_relaxed);
}

int64_t apikeys_used_day(const struct apikeys *table, apikeys_place place)
{
	return MAX_OF(mark_at(table, place) / 2, table->rows[place].told_day);
}

int64_t apikeys_unnoted_day(const struct apikeys *table, apikeys_place place)
{
	uint32_t mark = mark_at(table, place);
	return mark & 1 || mark / 2 <= table->rows[place].told_day ? 0 : mark / 2;
}

void apikeys_note(const struct apikeys *table, apikeys_place place, int64_t day)
{
	uint32_t marked = (uint32_t)day * 2;
	(void)atomic_compare_exchange_strong_explicit(&table->marks[place], &marked, marked + 1,
	                                              memory_order_relaxed, memory_order_relaxed);
}

/* ---- building ---- */

/* Room for n more elements behind those there are; doubling, so that many keys cost no more than their number. */
static bool make_room(void *at_pointer, size_t *room, size_t n_used, size_t n, size_t size)
{
	void *old, *bigger;
	if (n <= *room - n_used)
		return true;
	size_t more = MAX_OF(*room * 2, n_used + n + 256);
	memcpy(&old, at_pointer, sizeof(old));
	bigger = reallocarray(old, more, size);
	if (!bigger)
		return false;
	memcpy(at_pointer, &bigger, sizeof(bigger));
	*room = more;
	return true;
}

static int add_texts(struct apikeys *table, const struct apikey *key, struct row *row)
{
	const struct sv parts[PART_COUNT] = {[PART_OWNER] = key->owner,
	                                     [PART_CLIENT] = key->client,
	                                     [PART_GROUPS] = key->groups,
	                                     [PART_SCOPES] = key->scopes,
	                                     [PART_SERVICES] = key->services};
	size_t n = 0;
	for (size_t i = 0; i < PART_COUNT; i++) {
		if (parts[i].n > UINT16_MAX)
			return -EBADMSG;
		row->n_parts[i] = (uint16_t)parts[i].n;
		n += parts[i].n;
	}
	if (!make_room(&table->texts, &table->room_texts, table->n_texts, n, 1))
		return -ENOMEM;
	if (table->n_texts + n > UINT32_MAX)
		return -ENOSPC;
	row->texts_at = (uint32_t)table->n_texts;
	for (size_t i = 0; i < PART_COUNT; i++) {
		if (parts[i].n)
			memcpy(table->texts + table->n_texts, parts[i].at, parts[i].n);
		table->n_texts += parts[i].n;
	}
	return 0;
}

static int add_networks(struct apikeys *table, const struct apikey *key, struct row *row)
{
	struct sv list = key->networks, item;
	row->networks_at = (uint32_t)table->n_networks;
	while (list.n && sv_cut(&list, '\n', &item)) {
		struct netblock block;
		/* one that cannot be read must not turn a fenced key into a free one */
		if (!netblock_parse(item, &block) || row->n_networks == UINT16_MAX)
			return -EBADMSG;
		if (!make_room(&table->networks, &table->room_networks, table->n_networks, 1,
		               sizeof(block)))
			return -ENOMEM;
		if (table->n_networks >= UINT32_MAX)
			return -ENOSPC;
		table->networks[table->n_networks++] = block;
		row->n_networks++;
	}
	return 0;
}

int apikeys_add(struct apikeys *table, const struct apikey *key)
{
	struct row row = {.ends_s = key->ends_s,
	                  .is_revoked = key->is_revoked,
	                  .is_disabled = key->is_disabled};
	if (table->n == table->room)
		return -ENOSPC;
	if (key->id.n != sizeof(row.id) || key->mac.n != sizeof(row.mac) || key->owner.n == 0)
		return -EBADMSG;
	size_t place = probe(table, key->id);
	if (table->places[place])
		return -EBADMSG;
	memcpy(row.id, key->id.at, sizeof(row.id));
	memcpy(row.mac, key->mac.at, sizeof(row.mac));
	if (key->used_day > 0 && key->used_day <= DAY_MAX)
		row.told_day = (uint32_t)key->used_day;
	int r = add_texts(table, key, &row);
	if (r == 0)
		r = add_networks(table, key, &row);
	if (r != 0)
		return r;
	table->rows[table->n++] = row;
	table->places[place] = (uint32_t)table->n;
	return 0;
}

void apikeys_trim(struct apikeys *table)
{
	char *texts = table->n_texts ? realloc(table->texts, table->n_texts) : NULL;
	struct netblock *networks =
		table->n_networks
			? reallocarray(table->networks, table->n_networks, sizeof(*networks))
			: NULL;
	if (texts) {
		table->texts = texts;
		table->room_texts = table->n_texts;
	}
	if (networks) {
		table->networks = networks;
		table->room_networks = table->n_networks;
	}
}
