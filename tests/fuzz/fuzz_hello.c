/* An offer or a goodbye of any bytes is refused by a status that HAProxy knows, or it is one that we can say again
 * and read the same. */
#include "spop/disconnect.h"
#include "spop/frame.h"
#include "spop/hello.h"
#include "spop/value.h"

#include <stdlib.h>

#define HOLDS(what)              \
	do {                     \
		if (!(what))     \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool is_inside(struct sv part, struct sv whole)
{
	return part.n == 0 || (part.at >= whole.at && part.at + part.n <= whole.at + whole.n);
}

/* The offer as HAProxy would have made it. */
static void offer(const struct spop_hello *hello, struct outbuf *b)
{
	spop_text_write(b, SVL("supported-versions"));
	spop_value_string(b, SVL("2.0"));
	spop_text_write(b, SVL("max-frame-size"));
	spop_value_uint32(b, hello->max_frame_size);
	spop_text_write(b, SVL("capabilities"));
	spop_value_string(b, hello->pipelining ? SVL("pipelining") : SVL(""));
	spop_text_write(b, SVL("healthcheck"));
	spop_value_bool(b, hello->healthcheck);
	spop_text_write(b, SVL("engine-id"));
	spop_value_string(b, hello->engine_id);
}

static void check_hello(struct sv payload)
{
	static const struct spop_hello untouched = {.max_frame_size = 7};
	struct spop_hello hello = untouched, again;
	enum spop_status status = spop_hello_decode(payload, &hello);
	if (status != SPOP_STATUS_NORMAL) {
		HOLDS(status >= SPOP_STATUS_INVALID && status <= SPOP_STATUS_BAD_FRAME_SIZE);
		HOLDS(hello.max_frame_size == untouched.max_frame_size);
		return;
	}
	HOLDS(hello.max_frame_size >= SPOP_FRAME_SIZE_MIN);
	HOLDS(is_inside(hello.engine_id, payload));
	size_t max = hello.engine_id.n + 256;
	uint8_t *room = malloc(max);
	HOLDS(room);
	struct outbuf b = outbuf_over(room, max);
	offer(&hello, &b);
	HOLDS(!b.failed && spop_hello_decode(outbuf_sv(&b), &again) == SPOP_STATUS_NORMAL);
	HOLDS(again.max_frame_size == hello.max_frame_size &&
	      again.pipelining == hello.pipelining && again.healthcheck == hello.healthcheck &&
	      sv_eq(again.engine_id, hello.engine_id));
	free(room);
}

static void check_disconnect(struct sv payload)
{
	struct spop_disconnect bye, again;
	struct spop_frame frame;
	uint8_t room[SPOP_FRAME_SIZE_MIN];
	struct outbuf b = outbuf_over(room, sizeof(room));
	if (!spop_disconnect_decode(payload, &bye))
		return;
	HOLDS(is_inside(bye.message, payload));
	spop_disconnect_encode(&b, (enum spop_status)bye.status);
	HOLDS(!b.failed);
	struct sv bytes = outbuf_sv(&b);
	HOLDS(spop_frame_cut(&bytes, sizeof(room), &frame) == SPOP_CUT_FRAME && bytes.n == 0);
	HOLDS(spop_disconnect_decode(frame.payload, &again) && again.status == bye.status);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct sv payload = {(const char *)data, size};
	check_hello(payload);
	check_disconnect(payload);
	return 0;
}
