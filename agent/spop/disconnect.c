#include "spop/disconnect.h"

#include "spop/frame.h"
#include "spop/value.h"

struct text {
	enum spop_status status;
	const char *text;
};

static const struct text texts[] = {
	{SPOP_STATUS_NORMAL, "normal"},
	{SPOP_STATUS_IO, "I/O error"},
	{SPOP_STATUS_TIMEOUT, "a timeout occurred"},
	{SPOP_STATUS_TOO_BIG, "frame is too big"},
	{SPOP_STATUS_INVALID, "invalid frame received"},
	{SPOP_STATUS_NO_VERSION, "version value not found"},
	{SPOP_STATUS_NO_FRAME_SIZE, "max-frame-size value not found"},
	{SPOP_STATUS_NO_CAPABILITIES, "capabilities value not found"},
	{SPOP_STATUS_BAD_VERSION, "unsupported version"},
	{SPOP_STATUS_BAD_FRAME_SIZE, "max-frame-size too big or too small"},
	{SPOP_STATUS_FRAGMENTED, "payload fragmentation is not supported"},
	{SPOP_STATUS_INTERLACED, "invalid interlaced frames"},
	{SPOP_STATUS_NO_FRAME_ID, "frame-id not found"},
	{SPOP_STATUS_RESOURCE, "resource allocation error"},
	{SPOP_STATUS_UNKNOWN, "an unknown error occurred"},
};

const char *spop_status_text(enum spop_status status)
{
	for (size_t i = 0; i < ARRAY_LEN(texts); i++)
		if (texts[i].status == status)
			return texts[i].text;
	return "an unknown error occurred";
}

bool spop_disconnect_decode(struct sv payload, struct spop_disconnect *ret)
{
	struct cursor c = cursor_over(payload);
	struct spop_disconnect bye = {.status = SPOP_STATUS_UNKNOWN};
	while (cursor_left(&c)) {
		struct sv key = spop_text_read(&c);
		struct spop_value value = spop_value_read(&c);
		if (c.failed)
			return false;
		if (sv_eq(key, SVL("status-code")) && value.type == SPOP_DATA_UINT32)
			bye.status = value.number > UINT32_MAX ? SPOP_STATUS_UNKNOWN
			                                       : (uint32_t)value.number;
		else if (sv_eq(key, SVL("message")) && value.type == SPOP_DATA_STRING)
			bye.message = value.text;
	}
	*ret = bye;
	return true;
}

void spop_disconnect_encode(struct outbuf *b, enum spop_status status)
{
	size_t at = spop_frame_open(b, SPOP_AGENT_DISCONNECT, 0, 0);
	spop_text_write(b, SVL("status-code"));
	spop_value_uint32(b, (uint32_t)status);
	spop_text_write(b, SVL("message"));
	spop_value_string(b, sv_of(spop_status_text(status)));
	spop_frame_close(b, at);
}
