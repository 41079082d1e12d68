#include "audit/record.h"

#include "audit/list.h"
#include "audit/varint.h"
#include "core/cursor.h"
#include "core/limits.h"
#include "core/names.h"

#include <assert.h>
#include <errno.h>

/* Layout, plain (version 1):
 *   u8 version, u8 kind, u8 effect code << 4 | shadow code, u8 auth method << 4 | cut,
 *   16 bytes event id, u64be at_us,
 *   varint bit set of the rows of fields[] that follow, then those rows in order:
 *   text and list: varint length, bytes; number: varint; address: u8 family, 4 or 16 bytes.
 * A row is there only when it is not empty, and varints are the shortest, so that one record has one
 * plain form. Packed (version 2) is the same, but for the rows that records have in common:
 *   varint length << 1, bytes; or varint number of the text << 1 | 1.
 * Rows are only ever added at the end. */
enum { VERSION_PLAIN = 1, VERSION_PACKED = 2, FLAG_CUT = 1 };

enum field_type { FIELD_TEXT, FIELD_LIST, FIELD_NUMBER, FIELD_ADDRESS };

struct field {
	enum field_type type;
	uint16_t offset;
	uint16_t max;   /* bytes kept of a text or list */
	uint16_t probe; /* a word that is zero when there is nothing */
	bool common;    /* few texts, in many records: worth a number */
};

#define AT(member) offsetof(struct audit_record, member)
#define WORDS(type, member, max_bytes, common)                                           \
	{                                                                                \
		type, AT(member), max_bytes, AT(member) + offsetof(struct sv, n), common \
	}
#define TEXT(member, max_bytes)        WORDS(FIELD_TEXT, member, max_bytes, false)
#define COMMON_TEXT(member, max_bytes) WORDS(FIELD_TEXT, member, max_bytes, true)
#define COMMON_LIST(member, max_bytes) WORDS(FIELD_LIST, member, max_bytes, true)
#define NUMBER(member)                                         \
	{                                                      \
		FIELD_NUMBER, AT(member), 0, AT(member), false \
	}
#define ADDRESS(member)                                         \
	{                                                       \
		FIELD_ADDRESS, AT(member), 0, AT(member), false \
	}

static const struct field fields[] = {
	NUMBER(boot_us),
	NUMBER(status),
	NUMBER(policy_version),
	NUMBER(took_ns),
	ADDRESS(src),
	NUMBER(src_port),
	ADDRESS(dst),
	NUMBER(dst_port),
	TEXT(user, 512),
	TEXT(subject, 512),
	COMMON_TEXT(issuer, 512),
	COMMON_TEXT(client, 256),
	COMMON_TEXT(workload, 2048),
	COMMON_TEXT(source_service, 256),
	COMMON_LIST(groups, 1024),
	COMMON_LIST(scopes, 512),
	COMMON_TEXT(service, 128),
	COMMON_TEXT(method, 32),
	COMMON_TEXT(host, 256),
	TEXT(path, 2048),
	TEXT(query, 1024),
	COMMON_TEXT(route, 512),
	COMMON_TEXT(reason, 64),
	COMMON_TEXT(policy, 128),
	COMMON_TEXT(shadow_policy, 128),
	COMMON_LIST(why, 1536),
	TEXT(request_id, 128),
	COMMON_TEXT(user_agent, 256),
	COMMON_TEXT(sni, 256),
	TEXT(trace_id, 16),
	COMMON_TEXT(action, 64),
	TEXT(target, 256),
	COMMON_TEXT(result, 32),
	TEXT(before, 128),
	TEXT(after, 128),
	TEXT(detail, 512),
	COMMON_TEXT(roles, 128),
	COMMON_TEXT(channel, 32),
	NUMBER(gap_count),
	NUMBER(gap_first_us),
	NUMBER(gap_last_us),
	NUMBER(out_status),
	NUMBER(bytes_out),
	NUMBER(bytes_in),
	NUMBER(duration_ms),
	NUMBER(queue_ms),
	NUMBER(connect_ms),
	NUMBER(response_ms),
	COMMON_TEXT(termination, 8),
	COMMON_TEXT(backend, 128),
	COMMON_TEXT(server, 128),
};
static_assert(ARRAY_LEN(fields) <= 63, "one bit a row");
static_assert(sizeof(size_t) == sizeof(uint64_t), "lengths are words");

static const char *const kind_names[] = {
	[AUDIT_NONE] = "none",
	[AUDIT_REQUEST] = "request",
	[AUDIT_CONNECTION] = "connection",
	[AUDIT_ADMIN] = "admin",
	[AUDIT_SYSTEM] = "system",
	[AUDIT_OUTCOME] = "outcome",
	[AUDIT_UNACCOUNTED] = "unaccounted",
	[AUDIT_GAP] = "gap",
};
static_assert(ARRAY_LEN(kind_names) == AUDIT_KIND_COUNT, "one name per kind");

/* What stands on disk for an effect, whatever order the enum has; 0 is "none". */
static const uint8_t effect_codes[] = {
	[VERDICT_DENY] = 1,  [VERDICT_AUTHENTICATE] = 2, [VERDICT_REDIRECT] = 3,
	[VERDICT_LIMIT] = 4, [VERDICT_UNAVAILABLE] = 5,  [VERDICT_ALLOW] = 6,
};
static_assert(ARRAY_LEN(effect_codes) == VERDICT_EFFECT_COUNT, "one code per effect");

const char *audit_kind_name(enum audit_kind kind)
{
	return names_of(kind_names, ARRAY_LEN(kind_names), kind);
}

bool audit_kind_find(struct sv name, enum audit_kind *ret)
{
	unsigned value;
	if (!names_find(kind_names, ARRAY_LEN(kind_names), name, &value) || value == AUDIT_NONE)
		return false;
	*ret = (enum audit_kind)value;
	return true;
}

static bool effect_of(unsigned code, bool *ret_has, enum verdict_effect *ret)
{
	*ret_has = code != 0;
	*ret = VERDICT_DENY;
	if (code == 0)
		return true;
	for (size_t i = 0; i < ARRAY_LEN(effect_codes); i++) {
		if (effect_codes[i] != code)
			continue;
		*ret = (enum verdict_effect)i;
		return true;
	}
	return false;
}

static uint8_t code_of(bool has, enum verdict_effect effect)
{
	bool known = has && (size_t)effect < ARRAY_LEN(effect_codes);
	return known ? effect_codes[effect] : (uint8_t)(has ? effect_codes[VERDICT_DENY] : 0);
}

/* ---- encode ---- */

static const void *member_of(const struct audit_record *record, const struct field *f)
{
	return (const char *)record + f->offset;
}

static struct sv kept_text(const struct audit_record *record, const struct field *f, bool *cut)
{
	const struct sv *text = member_of(record, f); /* a list is its packed text */
	if (text->n <= f->max)
		return *text;
	*cut = true;
	return f->type == FIELD_LIST ? audit_list_cut(*text, f->max)
	                             : audit_text_cut(*text, f->max);
}

/* Without branches: this runs for every row of every record. A text is there by its length, a number by
 * its value, an address by its family, each found in the first byte or word at `probe`. */
static uint64_t rows_there(const struct audit_record *record)
{
	uint64_t there = 0;
	for (size_t i = 0; i < ARRAY_LEN(fields); i++) {
		const struct field *f = &fields[i];
		uint64_t word;
		memcpy(&word, (const char *)record + f->probe, sizeof(word));
		uint8_t first;
		memcpy(&first, &word, 1);
		there |= (uint64_t)((f->type == FIELD_ADDRESS ? first : word) != 0) << i;
	}
	return there;
}

static void put_address(struct outbuf *out, const struct netaddr *address)
{
	outbuf_u8(out, address->family);
	outbuf_bytes(out, address->bytes, address->family == 4 ? 4 : 16);
}

static void put_field(struct outbuf *out, const struct audit_record *record, const struct field *f,
                      bool *cut)
{
	if (f->type == FIELD_NUMBER) {
		varint_put(out, *(const uint64_t *)member_of(record, f));
	} else if (f->type == FIELD_ADDRESS) {
		put_address(out, member_of(record, f));
	} else {
		struct sv text = kept_text(record, f, cut);
		varint_put(out, text.n);
		outbuf_put(out, text);
	}
}

void audit_record_encode(const struct audit_record *record, struct outbuf *out)
{
	uint64_t there = rows_there(record);
	bool cut = record->cut;
	size_t flags_at = out->n + 3;
	outbuf_u8(out, VERSION_PLAIN);
	outbuf_u8(out, (uint8_t)record->kind);
	outbuf_u8(out, (uint8_t)(code_of(record->has_verdict, record->effect) << 4 |
	                         code_of(record->has_shadow, record->shadow_effect)));
	outbuf_u8(out, 0);
	outbuf_bytes(out, record->id.bytes, sizeof(record->id.bytes));
	outbuf_u64be(out, record->at_us);
	varint_put(out, there);
	for (uint64_t left = there; left; left &= left - 1)
		put_field(out, record, &fields[__builtin_ctzll(left)], &cut);
	if (!out->failed)
		out->at[flags_at] =
			(uint8_t)(((unsigned)record->auth_method & 15) << 4 | (cut ? FLAG_CUT : 0));
}

/* ---- decode ---- */

/* How texts are read: find NULL is the plain form. */
struct unpacking {
	audit_shared_fn *find;
	void *user;
};

static void read_address(struct cursor *c, struct netaddr *ret)
{
	uint8_t family = cursor_u8(c);
	struct sv bytes = cursor_sv(c, family == 4 ? 4 : 16);
	if ((family != 4 && family != 6) || c->failed) {
		cursor_fail(c);
		return;
	}
	ret->family = family;
	memcpy(ret->bytes, bytes.at, bytes.n);
}

static struct sv read_text(struct cursor *c, uint64_t number, bool common,
                           const struct unpacking *unpacking)
{
	if (!common || !unpacking->find)
		return cursor_sv(c, number);
	if (number & 1)
		return unpacking->find(unpacking->user, number >> 1);
	return cursor_sv(c, number >> 1);
}

static void read_field(struct cursor *c, const struct field *f, const struct unpacking *unpacking,
                       struct audit_record *record)
{
	void *member = (char *)record + f->offset;
	if (f->type == FIELD_ADDRESS) {
		read_address(c, member);
		return;
	}
	uint64_t number = varint_read(c);
	if (f->type == FIELD_NUMBER) {
		*(uint64_t *)member = number;
		if (number == 0)
			cursor_fail(c);
		return;
	}
	struct sv text = read_text(c, number, f->common, unpacking);
	if (text.n == 0 || text.n > f->max || (f->type == FIELD_LIST && !audit_list_is_sound(text)))
		cursor_fail(c);
	*(struct sv *)member = text;
}

static void read_head(struct cursor *c, struct audit_head *ret)
{
	uint8_t version = cursor_u8(c), kind = cursor_u8(c);
	(void)cursor_u8(c);
	(void)cursor_u8(c);
	struct sv id = cursor_sv(c, EVENT_ID_BYTES);
	ret->at_us = cursor_u64be(c);
	bool known = version == VERSION_PLAIN || version == VERSION_PACKED;
	if (c->failed || !known || kind == AUDIT_NONE || kind >= AUDIT_KIND_COUNT) {
		cursor_fail(c);
		return;
	}
	ret->kind = (enum audit_kind)kind;
	memcpy(ret->id.bytes, id.at, EVENT_ID_BYTES);
}

int audit_record_head(struct sv bytes, struct audit_head *ret)
{
	struct cursor c = cursor_over(bytes);
	struct audit_head head = {0};
	read_head(&c, &head);
	if (c.failed)
		return -EBADMSG;
	*ret = head;
	return 0;
}

static void read_codes(struct cursor *c, struct sv bytes, struct audit_record *record)
{
	if (c->failed)
		return;
	unsigned codes = (uint8_t)bytes.at[2], flags = (uint8_t)bytes.at[3];
	bool ok = effect_of(codes >> 4, &record->has_verdict, &record->effect) &&
	          effect_of(codes & 15, &record->has_shadow, &record->shadow_effect);
	record->auth_method = (enum auth_method)(flags >> 4);
	record->cut = flags & FLAG_CUT;
	if (!ok || (flags & 15) > FLAG_CUT)
		cursor_fail(c);
}

static int read_record(struct sv bytes, const struct unpacking *unpacking, struct audit_record *ret)
{
	struct cursor c = cursor_over(bytes);
	struct audit_head head = {0};
	memset(ret, 0, sizeof(*ret));
	read_head(&c, &head);
	read_codes(&c, bytes, ret);
	ret->kind = head.kind;
	ret->id = head.id;
	ret->at_us = head.at_us;
	uint64_t there = varint_read(&c);
	if (there >> ARRAY_LEN(fields))
		cursor_fail(&c);
	for (; there && !c.failed; there &= there - 1)
		read_field(&c, &fields[__builtin_ctzll(there)], unpacking, ret);
	if (cursor_done(&c))
		return 0;
	memset(ret, 0, sizeof(*ret));
	return -EBADMSG;
}

/* ---- pack, unpack ---- */

bool audit_record_is_packed(struct sv bytes)
{
	return bytes.n > 0 && bytes.at[0] == VERSION_PACKED;
}

static void pack_text(struct outbuf *out, struct sv text, audit_share_fn *share, void *user)
{
	uint64_t number = share(user, text);
	if (number != AUDIT_NOT_SHARED) {
		varint_put(out, number << 1 | 1);
		return;
	}
	varint_put(out, (uint64_t)text.n << 1);
	outbuf_put(out, text);
}

/* The value of a row; an empty view for what is no text. */
static struct sv skip_field(struct cursor *c, const struct field *f)
{
	struct netaddr ignored;
	if (f->type == FIELD_ADDRESS) {
		read_address(c, &ignored);
		return (struct sv){0};
	}
	uint64_t number = varint_read(c);
	return f->type == FIELD_NUMBER ? (struct sv){0} : cursor_sv(c, number);
}

static void put_between(struct outbuf *out, const uint8_t *from, const uint8_t *to)
{
	outbuf_bytes(out, from, (size_t)(to - from));
}

int audit_record_pack(struct sv plain, audit_share_fn *share, void *user, struct outbuf *out)
{
	struct cursor c = cursor_over(plain);
	struct audit_head head;
	read_head(&c, &head);
	uint64_t there = varint_read(&c);
	if (c.failed || audit_record_is_packed(plain) || there >> ARRAY_LEN(fields))
		return -EBADMSG;
	outbuf_u8(out, VERSION_PACKED);
	const uint8_t *from = (const uint8_t *)plain.at + 1; /* not yet written */
	for (; there && !c.failed; there &= there - 1) {
		const struct field *f = &fields[__builtin_ctzll(there)];
		const uint8_t *row = c.at;
		struct sv text = skip_field(&c, f);
		if (!f->common || c.failed)
			continue;
		put_between(out, from, row);
		pack_text(out, text, share, user);
		from = c.at;
	}
	if (!cursor_done(&c))
		return -EBADMSG;
	put_between(out, from, c.at);
	return out->failed ? -EMSGSIZE : 0;
}

int audit_record_decode(struct sv bytes, struct audit_record *ret)
{
	if (!audit_record_is_packed(bytes))
		return read_record(bytes, &(struct unpacking){0}, ret);
	memset(ret, 0, sizeof(*ret));
	return -EBADMSG;
}

int audit_record_unpack(struct sv bytes, audit_shared_fn *find, void *user,
                        struct audit_record *ret)
{
	if (!audit_record_is_packed(bytes))
		return audit_record_decode(bytes, ret);
	return read_record(bytes, &(struct unpacking){find, user}, ret);
}
