#include "core/outbuf.h"
#include "load.h"
#include "spop/frame.h"
#include "spop/value.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/types.h>

enum { FRAME_BYTES_MAX = 16384 };

static void put_integer(struct outbuf *b, uint64_t number)
{
	outbuf_u8(b, SPOP_DATA_INT64);
	spop_varint_write(b, number);
}

static void put_address(struct outbuf *b, uint8_t last)
{
	const uint8_t bytes[4] = {127, 0, 0, last};
	outbuf_u8(b, SPOP_DATA_IPV4);
	outbuf_bytes(b, bytes, sizeof(bytes));
}

static void put_string(struct outbuf *b, const char *name, struct sv value)
{
	spop_text_write(b, sv_of(name));
	spop_value_string(b, value);
}

static void put_null(struct outbuf *b, const char *name)
{
	spop_text_write(b, sv_of(name));
	outbuf_u8(b, SPOP_DATA_NULL);
}

/* What tests/bench/spoe.cfg makes HAProxy send for `GET /orders/17`. */
static void put_question(struct outbuf *b, uint64_t number, struct sv bearer)
{
	char id[40];
	snprintf(id, sizeof(id), "00000000-0000-4000-8000-%012llx", (unsigned long long)number);
	size_t at = spop_frame_open(b, SPOP_NOTIFY, number, 1);
	spop_text_write(b, SVL("haward-authorize"));
	outbuf_u8(b, 15);
	put_string(b, "id", sv_of(id));
	put_string(b, "method", SVL("GET"));
	put_string(b, "path", SVL("/orders/17"));
	put_string(b, "query", SVL(""));
	put_string(b, "host", SVL("bench"));
	spop_text_write(b, SVL("src"));
	put_address(b, 1);
	spop_text_write(b, SVL("src_port"));
	put_integer(b, 40000 + number % 20000);
	spop_text_write(b, SVL("dst"));
	put_address(b, 2);
	spop_text_write(b, SVL("dst_port"));
	put_integer(b, 8080);
	spop_text_write(b, SVL("tls"));
	spop_value_bool(b, false);
	put_null(b, "sni");
	put_string(b, "authorization", bearer);
	put_null(b, "authorization");
	put_null(b, "traceparent");
	put_string(b, "user_agent", SVL("spopload"));
	spop_frame_close(b, at);
}

static void add(struct load_frames *frames, size_t *max_bytes, struct sv bearer)
{
	size_t used = frames->n ? frames->starts[frames->n] : 0;
	if (*max_bytes - used < FRAME_BYTES_MAX) {
		*max_bytes = *max_bytes * 2 + FRAME_BYTES_MAX;
		frames->bytes = realloc(frames->bytes, *max_bytes);
	}
	frames->starts = realloc(frames->starts, (frames->n + 2) * sizeof(*frames->starts));
	if (!frames->bytes || !frames->starts)
		load_give_up("memory", ENOMEM);
	struct outbuf b = outbuf_over(frames->bytes + used, FRAME_BYTES_MAX);
	put_question(&b, frames->n + 1, bearer);
	if (b.failed)
		load_give_up("a token is too long", EMSGSIZE);
	frames->starts[frames->n] = used;
	frames->starts[++frames->n] = used + b.n;
}

void load_frames_read(struct load_frames *frames, const char *path)
{
	FILE *file = fopen(path, "r");
	char *line = NULL;
	size_t max_line = 0, max_bytes = 0;
	ssize_t n;
	if (!file)
		load_give_up(path, errno);
	*frames = (struct load_frames){0};
	while ((n = getline(&line, &max_line, file)) > 0) {
		static char bearer[FRAME_BYTES_MAX];
		int length = snprintf(bearer, sizeof(bearer), "Bearer %.*s",
		                      (int)(n - (line[n - 1] == '\n')), line);
		add(frames, &max_bytes, (struct sv){bearer, (size_t)length});
	}
	free(line);
	fclose(file);
	if (frames->n == 0)
		load_give_up("no token in the file", EINVAL);
}

void load_frames_free(struct load_frames *frames)
{
	free(frames->bytes);
	free(frames->starts);
}
