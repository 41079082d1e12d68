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
	SV("verdict"),
	SV("service"),
	SV("source"),
	SV("source_service"),
	SV("policy"),
	SV("policy_version"),
	SV("issuer"),
	SV("client"),
	SV("group"),
	SV("scope"),
	SV("workload"),
	SV("auth_method"),
	SV("dst"),
	SV("method"),
	SV("host"),
	SV("path"),
	SV("route"),
	SV("status"),
	SV("reason"),
	SV("took_us"),
	SV("kind"),
	SV("id"),
	SV("request_id"),
	SV("trace_id"),
	SV("shadow"),
	SV("shadow_policy"),
	SV("outcome_status"),
	SV("duration_ms"),
	SV("bytes_out"),
	SV("termination"),
	SV("backend"),
	SV("server"),
	SV("has"),
};

static bool field_ok(struct sv field)
{
	for (size_t i = 0; i < ARRAY_LEN(open_fields); i++)
		if (sv_eq(field, open_fields[i]))
			return true;
	return false;
}

/* One value behind a field, as audit/filter.c reads it: quotes count only at its beginning. */
static size_t value_length(struct sv text)
{
	size_t n = 0;
	if (text.n == 0 || text.at[0] != '"') {
		while (n < text.n && text.at[n] != ' ' && text.at[n] != ',')
			n++;
		return n;
	}
	for (n = 1; n < text.n && text.at[n] != '"'; n++)
		if (text.at[n] == '\\')
			n++;
	return n < text.n ? n + 1 : text.n;
}

/* Takes one term off the front; false when a viewer may not ask it. */
static bool take_term(struct sv *filter)
{
	struct event_id id;
	struct sv rest = sv_starts(*filter, SVL("-")) ? sv_from(*filter, 1) : *filter;
	struct sv word = sv_first(rest, value_length(rest));
	size_t n_field = sv_find(word, ':');
	*filter = sv_from(rest, word.n);
	if (n_field == word.n) /* a bare word also looks at users, unless it is an event's id */
		return event_id_parse(word, &id);
	if (!field_ok(sv_first(word, n_field)))
		return false;
	rest = sv_from(rest, n_field + 1);
	size_t n = value_length(rest);
	while (n < rest.n && rest.at[n] == ',')
		n += 1 + value_length(sv_from(rest, n + 1));
	*filter = sv_from(rest, n);
	return rest.n == 0 || n == rest.n || rest.at[n] == ' ';
}

bool mask_filter_ok(struct sv filter)
{
	while (filter.n > 0) {
		if (filter.at[0] == ' ')
			filter = sv_from(filter, 1);
		else if (!take_term(&filter))
			return false;
	}
	return true;
}
