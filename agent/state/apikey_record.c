#include "state/apikey_record.h"

#include "core/cursor.h"
#include "core/netaddr.h"
#include "core/outbuf.h"
#include "core/utf8.h"

#include <errno.h>
#include <stdlib.h>

/* Of records written before keys could be disabled: they lack the last text and the last number. */
enum { RECORD_VERSION = 2, RECORD_BEFORE_DISABLED = 1 };

static const size_t texts[] = {
	offsetof(struct state_apikey, owner),      offsetof(struct state_apikey, client),
	offsetof(struct state_apikey, note),       offsetof(struct state_apikey, groups),
	offsetof(struct state_apikey, scopes),     offsetof(struct state_apikey, services),
	offsetof(struct state_apikey, networks),   offsetof(struct state_apikey, created_by),
	offsetof(struct state_apikey, revoked_by), offsetof(struct state_apikey, rotated_from),
	offsetof(struct state_apikey, rotated_to), offsetof(struct state_apikey, disabled_by),
};

static const size_t numbers[] = {
	offsetof(struct state_apikey, created_us),  offsetof(struct state_apikey, expires_us),
	offsetof(struct state_apikey, revoked_us),  offsetof(struct state_apikey, used_day),
	offsetof(struct state_apikey, disabled_us),
};

/* ---- bytes ---- */

static struct sv text_at(const struct state_apikey *key, size_t offset)
{
	struct sv text;
	memcpy(&text, (const char *)key + offset, sizeof(text));
	return text;
}

char *apikey_encode(const struct state_apikey *key, size_t *ret_n)
{
	size_t room = 1 + APIKEY_MAC_BYTES + sizeof(int64_t) * ARRAY_LEN(numbers);
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		room += sizeof(uint16_t) + text_at(key, texts[i]).n;
	char *record = malloc(room);
	if (!record)
		return NULL;
	struct outbuf out = outbuf_over(record, room);
	outbuf_u8(&out, RECORD_VERSION);
	outbuf_put(&out, key->mac);
	for (size_t i = 0; i < ARRAY_LEN(numbers); i++) {
		int64_t number;
		memcpy(&number, (const char *)key + numbers[i], sizeof(number));
		outbuf_u64be(&out, (uint64_t)number);
	}
	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		struct sv text = text_at(key, texts[i]);
		outbuf_u16be(&out, (uint16_t)text.n);
		outbuf_put(&out, text);
	}
	*ret_n = out.n;
	return record;
}

int apikey_decode(struct sv id, struct sv record, struct state_apikey *ret)
{
	struct state_apikey key = {.id = id};
	struct cursor c = cursor_over(record);
	unsigned version = cursor_u8(&c);
	if (id.n != APIKEY_ID_CHARS ||
	    (version != RECORD_VERSION && version != RECORD_BEFORE_DISABLED))
		return -EBADMSG;
	size_t n_missing = version == RECORD_BEFORE_DISABLED;
	key.mac = cursor_sv(&c, APIKEY_MAC_BYTES);
	for (size_t i = 0; i < ARRAY_LEN(numbers) - n_missing; i++) {
		int64_t number = (int64_t)cursor_u64be(&c);
		memcpy((char *)&key + numbers[i], &number, sizeof(number));
	}
	for (size_t i = 0; i < ARRAY_LEN(texts) - n_missing; i++) {
		struct sv text = cursor_sv(&c, cursor_u16be(&c));
		memcpy((char *)&key + texts[i], &text, sizeof(text));
	}
	if (!cursor_done(&c))
		return -EBADMSG;
	*ret = key;
	return 0;
}

/* ---- what may be kept ---- */

static bool is_text(struct sv text)
{
	return !sv_has_control(text) && text.n <= APIKEY_TEXT_MAX_BYTES && utf8_valid(text);
}

static bool is_word(struct sv text)
{
	return text.n > 0 && is_text(text) && sv_find(text, ' ') == text.n;
}

static bool is_name(struct sv text)
{
	return text.n > 0 && is_text(text);
}

static bool is_network(struct sv text)
{
	struct netblock block;
	return netblock_parse(text, &block);
}

static bool is_list(struct sv list, bool (*fits)(struct sv item))
{
	struct sv item;
	size_t n = 0;
	if (list.n == 0)
		return true;
	if (list.n > APIKEY_LIST_MAX_BYTES)
		return false;
	while (sv_cut(&list, '\n', &item))
		if (!fits(item) || ++n > APIKEY_LIST_MAX_ITEMS)
			return false;
	return true;
}

const char *state_apikey_fault(const struct state_apikey *key)
{
	if (!is_name(key->owner))
		return "owner: 1 to 256 bytes of text without control characters are expected.";
	if (!is_text(key->client))
		return "client: at most 256 bytes of text without control characters are expected.";
	if (!is_text(key->note))
		return "note: at most 256 bytes of text without control characters are expected.";
	if (!is_list(key->groups, is_name))
		return "groups: at most 64 names without control characters are expected.";
	if (!is_list(key->scopes, is_word))
		return "scopes: at most 64 words without blanks are expected.";
	if (!is_list(key->services, is_name))
		return "services: at most 64 names of services are expected.";
	if (!is_list(key->networks, is_network))
		return "networks: at most 64 addresses or prefixes such as 10.0.0.0/8 are "
		       "expected, with no bits set below the prefix.";
	if (!is_text(key->created_by))
		return "created_by: text without control characters is expected.";
	if (key->expires_us != 0 && key->expires_us <= key->created_us)
		return "expires_at: a time to come is expected.";
	return NULL;
}
