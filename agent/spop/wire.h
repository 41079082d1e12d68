/* SPOP 2.0 on the wire: numbers and names, each with its place in HAProxy's doc/SPOE.txt. */
#ifndef SPOP_WIRE_H
#define SPOP_WIRE_H

/* SPOE.txt 3.2.2: frame types */
enum spop_frame_type {
	SPOP_UNSET = 0, /* continuation of a fragmented frame */
	SPOP_HAPROXY_HELLO = 1,
	SPOP_HAPROXY_DISCONNECT = 2,
	SPOP_NOTIFY = 3,
	SPOP_AGENT_HELLO = 101,
	SPOP_AGENT_DISCONNECT = 102,
	SPOP_ACK = 103,
};

/* SPOE.txt 3.2: flags */
enum { SPOP_FLAG_FIN = 1, SPOP_FLAG_ABORT = 2 };

/* SPOE.txt 3.1: the low nibble of a typed value is its type, the high nibble its flags */
enum spop_data_type {
	SPOP_DATA_NULL,
	SPOP_DATA_BOOL,
	SPOP_DATA_INT32,
	SPOP_DATA_UINT32,
	SPOP_DATA_INT64,
	SPOP_DATA_UINT64,
	SPOP_DATA_IPV4,
	SPOP_DATA_IPV6,
	SPOP_DATA_STRING,
	SPOP_DATA_BINARY,
};
enum { SPOP_DATA_TYPE_MASK = 0x0f, SPOP_DATA_TRUE = 0x10 };

/* SPOE.txt 3.4: actions and scopes */
enum { SPOP_ACTION_SET_VAR = 1, SPOP_ACTION_UNSET_VAR = 2 };
enum {
	SPOP_SCOPE_PROCESS,
	SPOP_SCOPE_SESSION,
	SPOP_SCOPE_TRANSACTION,
	SPOP_SCOPE_REQUEST,
	SPOP_SCOPE_RESPONSE
};

/* SPOE.txt 3.5: why a peer disconnects. Only these: others index outside a table in HAProxy 3.1 to 3.4-dev13. */
enum spop_status {
	SPOP_STATUS_NORMAL = 0,
	SPOP_STATUS_IO = 1,
	SPOP_STATUS_TIMEOUT = 2,
	SPOP_STATUS_TOO_BIG = 3,
	SPOP_STATUS_INVALID = 4,
	SPOP_STATUS_NO_VERSION = 5,
	SPOP_STATUS_NO_FRAME_SIZE = 6,
	SPOP_STATUS_NO_CAPABILITIES = 7,
	SPOP_STATUS_BAD_VERSION = 8,
	SPOP_STATUS_BAD_FRAME_SIZE = 9,
	SPOP_STATUS_FRAGMENTED = 10,
	SPOP_STATUS_INTERLACED = 11,
	SPOP_STATUS_NO_FRAME_ID = 12,
	SPOP_STATUS_RESOURCE = 13,
	SPOP_STATUS_UNKNOWN = 99,
};

/* spop_status_text - a sentence for the peer's log and ours. */
const char *spop_status_text(enum spop_status status);

enum {
	SPOP_LENGTH_BYTES = 4,
	SPOP_FRAME_MIN_BYTES = 7,      /* type, flags and two one-byte ids */
	SPOP_FRAME_SIZE_MIN = 256,     /* least max-frame-size that HAProxy takes */
	SPOP_FRAME_SIZE_MAX = 1 << 18, /* ours; HAProxy's is tune.bufsize - 4, 16,380 by default */
	SPOP_MESSAGES_MAX = 16,        /* messages of one NOTIFY */
};

#endif
