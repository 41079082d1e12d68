#include "admin/mask.h"

#include "core/encode.h"
#include "core/eventid.h"
#include "core/hash.h"
#include "state/state.h"

#include <string.h>

#define PSEUDONYM_BYTES 8

static bool pseudonym(const uint8_t *key, struct sv text, char room[static 32], struct sv *ret)
{
	char joined[STATE_MASK_KEY_BYTES + SHA256_BYTES];
	uint8_t digest[SHA256_BYTES];
	if (text.n == 0)
		return true;
	/* The digest first: a name of any length, and nothing that could be read as key. */
	if (!sha256_of(text, digest))
		return false;
	memcpy(joined, key, STATE_MASK_KEY_BYTES);
	memcpy(joined + STATE_MASK_KEY_BYTES, digest, sizeof(digest));
	if (!sha256_of((struct sv){joined, sizeof(joined)}, digest))
		return false;
	memcpy(room, "user-", 5);
	hex_encode((struct sv){(const char *)digest, PSEUDONYM_BYTES}, room + 5);
	*ret = sv_of(room);
	return true;
}

static void mask_address(struct netaddr *addr)
{
	if (addr->family == 4)
		addr->bytes[3] = 0;
	else
		memset(addr->bytes + 6, 0, 10);
}

static struct audit_list without_values(struct audit_list why, struct mask_room *room)
{
	struct outbuf out = outbuf_over(room->why, sizeof(room->why));
	struct sv part;
	for (unsigned i = 0; audit_list_next(&why, &part); i = (i + 1) % AUDIT_WHY_PARTS)
		audit_list_add(&out, i == AUDIT_WHY_VALUE ? (struct sv){0} : part);
	return (struct audit_list){outbuf_sv(&out)};
}

bool mask_row(const uint8_t *key, const struct audit_row *row, struct mask_room *room,
              struct audit_row *ret)
{
	*ret = *row;
	struct audit_record *record = &ret->record;
	struct sv nothing = {0};
	if (!pseudonym(key, record->user, room->user, &record->user))
		return false;
	record->subject = nothing;
	mask_address(&record->src);
	record->src_port = 0;
	record->query = nothing;
	record->user_agent = nothing;
	record->why = without_values(record->why, room);
	return true;
}

/* What a viewer may filter by: everything a viewer is shown as it is. */
static const struct sv open_fields[] = {
	SV("verdict"),        SV("service"),  SV("policy"),      SV("status"),
	SV("reason"),         SV("kind"),     SV("method"),      SV("source"),
	SV("source_service"), SV("workload"), SV("host"),        SV("path"),
	SV("route"),          SV("issuer"),   SV("auth_method"), SV("id"),
	SV("request_id"),     SV("trace_id"), SV("has"),         SV("shadow"),
};

static bool term_ok(struct sv term)
{
	struct event_id id;
	if (sv_starts(term, SVL("-")))
		term = sv_from(term, 1);
	size_t n = sv_find(term, ':');
	if (n == term.n) /* a bare word also looks at users, unless it is an event's id */
		return event_id_parse(term, &id);
	for (size_t i = 0; i < ARRAY_LEN(open_fields); i++)
		if (sv_eq(sv_first(term, n), open_fields[i]))
			return true;
	return false;
}

/* The term at the front: up to the next blank that is not between quotes. */
static size_t term_length(struct sv filter)
{
	bool quoted = false;
	for (size_t i = 0; i < filter.n; i++) {
		if (filter.at[i] == '\\' && quoted)
			i++;
		else if (filter.at[i] == '"')
			quoted = !quoted;
		else if (filter.at[i] == ' ' && !quoted)
			return i;
	}
	return filter.n;
}

bool mask_filter_ok(struct sv filter)
{
	while (filter.n > 0) {
		size_t n = term_length(filter);
		if (n > 0 && !term_ok(sv_first(filter, n)))
			return false;
		filter = sv_from(filter, n + 1);
	}
	return true;
}
