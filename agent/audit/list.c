#include "audit/list.h"

#include "audit/varint.h"
#include "core/utf8.h"

bool audit_list_next(struct audit_list *rest, struct sv *ret)
{
	struct cursor c = cursor_over(rest->packed);
	if (cursor_left(&c) == 0)
		return false;
	struct sv item = cursor_sv(&c, varint_read(&c));
	if (c.failed)
		return false;
	rest->packed = (struct sv){(const char *)c.at, cursor_left(&c)};
	*ret = item;
	return true;
}

bool audit_list_is_sound(struct sv packed)
{
	struct audit_list rest = {packed};
	struct sv item;
	while (audit_list_next(&rest, &item))
		;
	return rest.packed.n == 0;
}

void audit_list_add(struct outbuf *packed, struct sv item)
{
	uint8_t room[VARINT_MAX];
	size_t n = varint_bytes(item.n, room);
	if (n + item.n > outbuf_left(packed)) {
		packed->failed = true;
		return;
	}
	outbuf_bytes(packed, room, n);
	outbuf_put(packed, item);
}

struct sv audit_list_cut(struct sv packed, size_t max)
{
	struct audit_list rest = {packed};
	struct sv item;
	size_t keep = 0;
	while (audit_list_next(&rest, &item) && packed.n - rest.packed.n <= max)
		keep = packed.n - rest.packed.n;
	return sv_first(packed, keep);
}

struct sv audit_text_cut(struct sv text, size_t max)
{
	if (text.n <= max)
		return text;
	size_t n = max;
	for (size_t i = 1; i <= 3 && i <= max; i++) {
		size_t start = max - i;
		if (((uint8_t)text.at[start] & 0xc0) == 0x80)
			continue;
		size_t whole = utf8_length(sv_from(text, start));
		n = whole > i ? start : max;
		break;
	}
	return sv_first(text, n);
}
