#include "spop/hello.h"

#include "spop/frame.h"
#include "spop/value.h"

/* Whether one of the comma-separated words, blanks around them aside, is the one asked for. */
static bool lists(struct sv words, struct sv word)
{
	struct sv part;
	while (sv_cut(&words, ',', &part))
		if (sv_eq(sv_trim(part), word))
			return true;
	return false;
}

struct seen {
	bool version, frame_size, capabilities;
	bool version_good;
};

static void take(struct sv key, const struct spop_value *value, struct seen *seen,
                 struct spop_hello *hello)
{
	if (sv_eq(key, SVL("supported-versions")) && value->type == SPOP_DATA_STRING) {
		seen->version = true;
		seen->version_good = lists(value->text, SVL("2.0"));
	} else if (sv_eq(key, SVL("max-frame-size")) && value->type == SPOP_DATA_UINT32) {
		seen->frame_size = true;
		hello->max_frame_size = value->number > UINT32_MAX ? 0 : (uint32_t)value->number;
	} else if (sv_eq(key, SVL("capabilities")) && value->type == SPOP_DATA_STRING) {
		seen->capabilities = true;
		hello->pipelining = lists(value->text, SVL("pipelining"));
	} else if (sv_eq(key, SVL("healthcheck")) && value->type == SPOP_DATA_BOOL) {
		hello->healthcheck = value->truth;
	} else if (sv_eq(key, SVL("engine-id")) && value->type == SPOP_DATA_STRING) {
		hello->engine_id = value->text;
	}
}

enum spop_status spop_hello_decode(struct sv payload, struct spop_hello *ret)
{
	struct cursor c = cursor_over(payload);
	struct spop_hello hello = {0};
	struct seen seen = {0};
	while (cursor_left(&c)) {
		struct sv key = spop_text_read(&c);
		struct spop_value value = spop_value_read(&c);
		if (c.failed)
			return SPOP_STATUS_INVALID;
		take(key, &value, &seen, &hello);
	}
	if (!seen.version)
		return SPOP_STATUS_NO_VERSION;
	if (!seen.version_good)
		return SPOP_STATUS_BAD_VERSION;
	if (!seen.frame_size)
		return SPOP_STATUS_NO_FRAME_SIZE;
	if (hello.max_frame_size < SPOP_FRAME_SIZE_MIN)
		return SPOP_STATUS_BAD_FRAME_SIZE;
	if (!seen.capabilities)
		return SPOP_STATUS_NO_CAPABILITIES;
	*ret = hello;
	return SPOP_STATUS_NORMAL;
}

void spop_hello_encode(struct outbuf *b, uint32_t max_frame_size)
{
	size_t at = spop_frame_open(b, SPOP_AGENT_HELLO, 0, 0);
	spop_text_write(b, SVL("version"));
	spop_value_string(b, SVL("2.0"));
	spop_text_write(b, SVL("max-frame-size"));
	spop_value_uint32(b, max_frame_size);
	spop_text_write(b, SVL("capabilities"));
	spop_value_string(b, SVL("pipelining"));
	spop_frame_close(b, at);
}
