#include "audit/query.h"

#include "audit/filter.h"
#include "audit/index.h"
#include "audit/outcome_join.h"
#include "audit/placebits.h"
#include "core/clock.h"
#include "core/cursor.h"
#include "core/encode.h"
#include "core/limits.h"
#include "core/outbuf.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

enum {
	CURSOR_VERSION = 1,
	CURSOR_BYTES = 1 + 8 + 8 + 8, /* version, digest of the question, upper bound, next */
	ROWS_DEFAULT = 100,
	LOOK_EVERY = 64, /* records between two looks at the clock */
};

struct audit_query {
	struct audit_store *store;
	struct audit_filter *filter;
	uint64_t from_us, to_us; /* to_us 0: open */
	bool oldest_first;
	unsigned kinds, limit, budget_ms;
	uint64_t upper;  /* last record of the answer */
	uint64_t next;   /* record to look at next; 0 when there is none left */
	uint64_t digest; /* of the question: a cursor fits one question */

	/* of one page */
	struct store_view view;
	struct audit_row row;
	uint64_t low, high; /* what may be looked at */
	uint64_t until_ns;
	uint64_t n_scanned;
	uint64_t bits[INDEX_BIT_WORDS], term_bits[INDEX_BIT_WORDS];
	struct outcome_tail tail;
};

/* ---- the question ---- */

static int refuse(struct audit_query_error *error, const char *code, const char *message)
{
	error->column = 0;
	error->code = code;
	(void)snprintf(error->message, sizeof(error->message), "%s", message);
	return -EINVAL;
}

static uint64_t digest_of(const struct audit_query *query)
{
	static const struct hash_key fixed = {0x6861776172640000, 0x637572736f720000};
	uint8_t room[32];
	struct outbuf rest = outbuf_over(room, sizeof(room));
	outbuf_u64be(&rest, hash_sip13(fixed, audit_filter_text(query->filter)));
	outbuf_u64be(&rest, query->from_us);
	outbuf_u64be(&rest, query->to_us);
	outbuf_u32be(&rest, query->kinds);
	outbuf_u8(&rest, query->oldest_first);
	return hash_sip13(fixed, outbuf_sv(&rest));
}

static void write_cursor(const struct audit_query *query, char text[AUDIT_CURSOR_MAX])
{
	uint8_t room[CURSOR_BYTES];
	struct outbuf out = outbuf_over(room, sizeof(room));
	static_assert(BASE64_ENCODED_MAX(CURSOR_BYTES) <= AUDIT_CURSOR_MAX, "its text fits");
	outbuf_u8(&out, CURSOR_VERSION);
	outbuf_u64be(&out, query->digest);
	outbuf_u64be(&out, query->upper);
	outbuf_u64be(&out, query->next);
	(void)base64url_encode(outbuf_sv(&out), text);
}

static bool read_cursor(struct audit_query *query, struct sv text)
{
	uint8_t room[BASE64_DECODED_MAX(AUDIT_CURSOR_MAX)];
	size_t n = 0;
	if (text.n >= AUDIT_CURSOR_MAX || !base64url_decode(text, room, &n))
		return false;
	struct cursor c = cursor_over((struct sv){(const char *)room, n});
	uint8_t version = cursor_u8(&c);
	uint64_t digest = cursor_u64be(&c), upper = cursor_u64be(&c), next = cursor_u64be(&c);
	if (!cursor_done(&c) || version != CURSOR_VERSION || digest != query->digest ||
	    upper > query->upper || next == 0 || next > upper)
		return false;
	query->upper = upper;
	query->next = next;
	return true;
}

static int read_options(struct audit_query *query, const struct audit_query_options *options,
                        struct audit_query_error *error)
{
	query->from_us = options->from_us;
	query->to_us = options->to_us;
	query->oldest_first = options->oldest_first;
	query->limit = options->limit ? options->limit : ROWS_DEFAULT;
	query->budget_ms = options->budget_ms ? options->budget_ms : AUDIT_QUERY_BUDGET_MS;
	unsigned all = (1U << AUDIT_KIND_COUNT) - 1U;
	query->kinds = audit_filter_kinds(query->filter,
	                                  options->kinds ? options->kinds : AUDIT_KINDS_LISTED,
	                                  options->kinds ? options->kinds : all);
	query->kinds &= ~options->hidden;
	if (query->to_us && query->to_us < query->from_us)
		return refuse(error, "invalid_query", "the range ends before it starts");
	query->digest = digest_of(query);
	return 0;
}

static void close_query(struct audit_query **query)
{
	audit_query_close(*query);
}

int audit_query_open(struct audit_store *store, const struct audit_query_options *options,
                     struct audit_query_error *error, struct audit_query **ret)
{
	CLEANUP(close_query) struct audit_query *query = calloc(1, sizeof(*query));
	struct store_view view;
	if (!query)
		return -ENOMEM;
	query->store = store;
	int r = audit_filter_parse(options->filter, error, &query->filter);
	if (r == 0)
		r = read_options(query, options, error);
	if (r == 0)
		r = store_view_open(store, &view);
	if (r != 0)
		return r;
	query->upper = view.last_seq;
	store_view_close(&view);
	if (query->kinds == 0) /* nothing can answer */
		query->upper = 0;
	query->next = query->oldest_first ? MIN_OF(query->upper, (uint64_t)1) : query->upper;
	if (options->cursor.n && !read_cursor(query, options->cursor))
		return refuse(error, "invalid_cursor", "the cursor belongs to another question");
	*ret = TAKE(query);
	return 0;
}

void audit_query_close(struct audit_query *query)
{
	if (!query)
		return;
	audit_filter_free(query->filter);
	outcome_tail_free(&query->tail);
	free(query);
}

struct sv audit_query_text(const struct audit_query *query)
{
	return audit_filter_text(query->filter);
}

/* ---- looking at records ---- */

static bool in_range(const struct audit_query *query, uint64_t at_us)
{
	return at_us >= query->from_us && (query->to_us == 0 || at_us < query->to_us);
}

enum look { LOOK_NO, LOOK_ROW, LOOK_FAILED };

static enum look look_at(struct audit_query *query, uint64_t seq, int *ret_error)
{
	struct audit_row *row = &query->row;
	struct audit_head head;
	struct sv bytes;
	query->n_scanned++;
	*ret_error = store_view_bytes(&query->view, seq, &bytes);
	if (*ret_error == 0)
		*ret_error = audit_record_head(bytes, &head);
	if (*ret_error != 0)
		return LOOK_FAILED;
	if (!in_range(query, head.at_us) || !(query->kinds & AUDIT_KIND_BIT(head.kind)))
		return LOOK_NO;
	row->seq = seq;
	row->has_outcome = false;
	*ret_error = store_view_unpack(&query->view, seq, bytes, &row->record);
	if (*ret_error != 0)
		return LOOK_FAILED;
	bool joined = audit_filter_needs_outcome(query->filter);
	if (joined)
		*ret_error = outcome_join(&query->view, &query->tail, row);
	if (*ret_error != 0)
		return LOOK_FAILED;
	if (!audit_filter_wants(query->filter, row))
		return LOOK_NO;
	if (!joined)
		*ret_error = outcome_join(&query->view, &query->tail, row);
	return *ret_error == 0 ? LOOK_ROW : LOOK_FAILED;
}

/* ---- the bits of one bucket ---- */

static int kind_bits(struct audit_query *query, uint32_t bucket)
{
	int r = 0;
	for (unsigned kind = 1; kind < AUDIT_KIND_COUNT && r == 0; kind++)
		if (query->kinds & AUDIT_KIND_BIT(kind))
			r = index_bits(&query->view, bucket, INDEX_KIND,
			               sv_of(audit_kind_name((enum audit_kind)kind)),
			               query->term_bits);
	return r;
}

/* ANDs one term's bits into the bucket's. */
static void join_bits(struct audit_query *query)
{
	for (size_t i = 0; i < INDEX_BIT_WORDS; i++)
		query->bits[i] &= query->term_bits[i];
}

static bool only_indexed_kinds(const struct audit_query *query)
{
	for (unsigned kind = 1; kind < AUDIT_KIND_COUNT; kind++)
		if ((query->kinds & AUDIT_KIND_BIT(kind)) && !index_has_kind((enum audit_kind)kind))
			return false;
	return true;
}

static int bucket_bits(struct audit_query *query, uint32_t bucket)
{
	memset(query->bits, 0xff, sizeof(query->bits));
	if (only_indexed_kinds(query)) {
		memset(query->term_bits, 0, sizeof(query->term_bits));
		int r = kind_bits(query, bucket);
		if (r != 0)
			return r;
		join_bits(query);
	}
	for (size_t i = 0; i < audit_filter_indexed(query->filter); i++) {
		struct audit_filter_term term = audit_filter_indexed_at(query->filter, i);
		memset(query->term_bits, 0, sizeof(query->term_bits));
		for (size_t k = 0; k < term.n_values; k++) {
			struct sv value = audit_filter_indexed_value(query->filter, i, k);
			int r = index_bits(&query->view, bucket, term.field, value,
			                   query->term_bits);
			if (r != 0)
				return r;
		}
		join_bits(query);
	}
	return 0;
}

/* ---- pages ---- */

/* A stretch of records with one way of looking: a bucket, or the unindexed tail. */
struct stretch {
	uint64_t first, last;
	bool has_bits;
};

static bool bucket_is_out(struct audit_query *query, uint32_t bucket)
{
	uint64_t first_us, last_us;
	if ((query->from_us == 0 && query->to_us == 0) ||
	    index_span(&query->view, bucket, &first_us, &last_us) != 0)
		return false;
	return last_us < query->from_us || (query->to_us && first_us >= query->to_us);
}

static int stretch_at(struct audit_query *query, uint64_t seq, struct stretch *ret)
{
	uint64_t indexed = query->view.indexed_seq;
	if (seq > indexed) {
		*ret = (struct stretch){indexed + 1, query->high, false};
		return 0;
	}
	uint32_t bucket = (uint32_t)(seq >> INDEX_BUCKET_SHIFT);
	uint64_t first = (uint64_t)bucket << INDEX_BUCKET_SHIFT;
	*ret = (struct stretch){first, MIN_OF(first + INDEX_BUCKET_RECORDS - 1, indexed), true};
	if (bucket_is_out(query, bucket)) {
		memset(query->bits, 0, sizeof(query->bits));
		return 0;
	}
	return bucket_bits(query, bucket);
}

/* The next record worth a look in the stretch, from seq on in the query's direction; 0: none. */
static uint64_t candidate(const struct audit_query *query, const struct stretch *s, uint64_t seq)
{
	if (!s->has_bits)
		return seq;
	unsigned place = (unsigned)(seq & (INDEX_BUCKET_RECORDS - 1));
	uint64_t first = seq - place;
	place = query->oldest_first ? place_up(query->bits, place) : place_down(query->bits, place);
	uint64_t found = first + place;
	return place < INDEX_BUCKET_RECORDS && found >= s->first && found <= s->last ? found : 0;
}

/* The record after seq in the query's direction, inside what may be looked at; 0: none. */
static uint64_t step(const struct audit_query *query, uint64_t seq)
{
	uint64_t next = query->oldest_first ? seq + 1 : seq - 1;
	return next >= query->low && next <= query->high ? next : 0;
}

static bool out_of_time(const struct audit_query *query)
{
	return clock_mono_ns() > query->until_ns;
}

struct page_run {
	audit_row_fn *visit;
	void *user;
	struct audit_page *page;
	bool stopped;
};

/* One stretch; query->next moves on. errors 0 or -errno */
static int run_stretch(struct audit_query *query, struct page_run *run)
{
	struct stretch s;
	int r = stretch_at(query, query->next, &s);
	if (r != 0)
		return r;
	for (unsigned n = 1;; n++) {
		uint64_t seq = candidate(query, &s, query->next);
		if (seq == 0 || seq < query->low || seq > query->high) {
			query->next = step(query, query->oldest_first ? s.last : s.first);
			return 0;
		}
		query->next = seq;
		enum look look = look_at(query, seq, &r);
		if (look == LOOK_FAILED)
			return r;
		if (look == LOOK_ROW) {
			if (run->visit(run->user, &query->row) != 0) {
				run->stopped = true;
				return 0;
			}
			run->page->n_rows++;
		}
		query->next = step(query, seq);
		/* 0, the end of all, would stand inside the first bucket */
		bool inside = query->next && query->next >= s.first && query->next <= s.last;
		if (!inside || run->page->n_rows >= query->limit ||
		    (n % LOOK_EVERY == 0 && out_of_time(query)))
			return 0;
	}
}

/* An event id asked for by name is one look-up when it is indexed. */
static int narrow_by_id(struct audit_query *query)
{
	struct event_id id;
	uint64_t seq, first = 0, last = 0;
	if (!query->view.index || !audit_filter_id(query->filter, &id))
		return 0;
	for (unsigned kind = 1; kind < AUDIT_KIND_COUNT; kind++) {
		if (!(query->kinds & AUDIT_KIND_BIT(kind)))
			continue;
		int r = index_id(&query->view, &id, (enum audit_kind)kind, &seq);
		if (r != 0 && r != -ENOENT)
			return r;
		if (r == 0 && (first == 0 || seq < first))
			first = seq;
		if (r == 0 && seq > last)
			last = seq;
	}
	query->low = first ? first : query->view.indexed_seq + 1;
	query->high = MIN_OF(query->high, last ? last : query->upper);
	return 0;
}

static int begin_page(struct audit_query *query)
{
	query->until_ns = clock_mono_ns() + (uint64_t)query->budget_ms * 1000000;
	query->n_scanned = 0;
	outcome_tail_forget(&query->tail);
	int r = store_view_open(query->store, &query->view);
	if (r != 0)
		return r;
	query->low = 1;
	query->high = MIN_OF(query->upper, query->view.last_seq);
	r = narrow_by_id(query);
	if (r != 0) {
		store_view_close(&query->view);
		return r;
	}
	if (query->next && query->oldest_first && query->next < query->low)
		query->next = query->low;
	if (!query->oldest_first && query->next > query->high)
		query->next = query->high;
	if (query->next < query->low || query->next > query->high)
		query->next = 0;
	return 0;
}

int audit_query_page(struct audit_query *query, audit_row_fn *visit, void *user,
                     struct audit_page *ret)
{
	struct audit_page page = {0};
	struct page_run run = {.visit = visit, .user = user, .page = &page};
	int r = begin_page(query);
	if (r != 0)
		return r;
	while (r == 0 && query->next && !run.stopped && page.n_rows < query->limit) {
		r = run_stretch(query, &run);
		if (out_of_time(query))
			break;
	}
	store_view_close(&query->view);
	if (r != 0)
		return r;
	page.exhausted = query->next == 0;
	page.n_scanned = query->n_scanned;
	if (!page.exhausted)
		write_cursor(query, page.cursor);
	*ret = page;
	return 0;
}
