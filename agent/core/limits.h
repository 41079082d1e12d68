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

/* A request path, bytes: HAProxy's buffer holds 16 KiB, no service has paths half as long. */
#define PATH_MAX_BYTES 8192

/* Segments of one path template; a longer one is no path anybody routes by. */
#define TEMPLATE_MAX_SEGMENTS 64

/* Named captures of one path template, and bytes of one name. */
#define TEMPLATE_MAX_CAPTURES  16
#define CAPTURE_NAME_MAX_BYTES 32

/* One record of the book encoded, and as a line of JSON (worst case of escapes), bytes. */
#define AUDIT_RECORD_MAX 16384
#define AUDIT_JSON_MAX   131072

/* A journal, bytes: the least that wraps sensibly, and the default: a third of a second of 200,000
 * events/s. */
#define AUDIT_JOURNAL_MIN_BYTES (128 * 1024)
#define AUDIT_JOURNAL_BYTES     (16 * 1024 * 1024)
#define AUDIT_JOURNALS_MAX      256

/* Ceiling of the events file, bytes: address space only, the file grows as needed. */
#define AUDIT_MAP_BYTES (256ULL << 30)

/* Longest a record waits for its commit and for its index entry, ms; at most so many in one commit. */
#define AUDIT_COMMIT_INTERVAL_MS 20
#define AUDIT_INDEX_INTERVAL_MS  500
#define AUDIT_BATCH_RECORDS      4096
#define AUDIT_STOP_MS            5000

/* One page of a query: rows, and time before it answers with what it has, ms. */
#define AUDIT_PAGE_MAX        1000
#define AUDIT_QUERY_BUDGET_MS 200
/* Bytes and terms of a filter. */
#define AUDIT_FILTER_MAX_BYTES 4096
#define AUDIT_FILTER_MAX_TERMS 64

/* One syslog message from HAProxy, bytes: its ring's own limit. */
#define SYSLOG_MESSAGE_MAX 16384

/* Names of policies and services, bytes: they travel in every decision and index entry. */
#define POLICY_NAME_MAX_BYTES 128

/* One string of a policy set, bytes: SPIFFE IDs may have 2,048. */
#define POLICY_TEXT_MAX_BYTES 4096

/* Elements of one list inside a policy; thousands of principals in one rule are real. */
#define POLICY_LIST_MAX_ITEMS 16384

/* Entries of one rule index: services named by a policy times its paths; 16 bytes each. */
#define INDEX_MAX_ENTRIES (4 * 1024 * 1024)

/* Policies of one set. */
#define POLICY_SET_MAX_TESTS    2000
#define POLICY_SET_MAX_LIMITS   1000
#define POLICY_SET_MAX_POLICIES 200000

/* Names of policies that are counted between two starts; what comes after is judged and not counted. */
#define HITS_MAX (256 * 1024)

/* Roles of one set, and what they give together through those that they inherit: a bit a role and request,
 * 4 bytes each that is given. */
#define POLICY_SET_MAX_ROLES 16384
#define ROLES_MAX_GIVEN      (1024 * 1024)

#endif
