/* Every hard limit with its unit and its reason, in one place. Soft limits are settings. */
#ifndef CORE_LIMITS_H
#define CORE_LIMITS_H

/* Event ids: 16 bytes, 26 characters of Crockford base32. */
#define EVENT_ID_BYTES      16
#define EVENT_ID_TEXT_BYTES 26

/* Memory one request may use while it is judged, bytes; past it the request is denied. */
#define REQUEST_ARENA_BYTES (256 * 1024)

/* A document of an operator (settings, policy set), bytes. 10,000 policies are about 4 MiB. */
#define DOCUMENT_MAX_BYTES (64 * 1024 * 1024)

/* Depth of JSON from outside; jansson itself stops at 2,048, which is too much stack for a thread.
 */
#define JSON_MAX_DEPTH 32

/* Errors reported for one document; the operator mends some and asks again. */
#define DIAG_MAX_ITEMS 64

#endif
