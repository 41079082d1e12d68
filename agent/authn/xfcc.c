#include "authn/certheader.h"

#include <limits.h>
#include <openssl/pem.h>

/* The header while it is read; the text is cut off at its front. */
struct reading {
	struct sv rest;
	struct arena *arena;
	struct certheader *element; /* at hand */
};

static bool next_is(const struct reading *r, char c)
{
	return r->rest.n > 0 && r->rest.at[0] == c;
}

static void skip(struct reading *r, size_t n)
{
	r->rest = sv_from(r->rest, n);
}

/* "..." with \ before what it hides; the text without them, in the arena. */
static bool quoted(struct reading *r, struct sv *ret)
{
	char *room = arena_alloc(r->arena, r->rest.n);
	size_t n = 0;
	if (!room)
		return false;
	skip(r, 1);
	while (r->rest.n > 0 && r->rest.at[0] != '"') {
		if (r->rest.at[0] == '\\')
			skip(r, 1);
		if (r->rest.n == 0)
			return false;
		room[n++] = r->rest.at[0];
		skip(r, 1);
	}
	if (!next_is(r, '"'))
		return false;
	skip(r, 1);
	*ret = (struct sv){room, n};
	return true;
}

static bool bare(struct reading *r, struct sv *ret)
{
	size_t n = 0;
	while (n < r->rest.n && r->rest.at[n] != ',' && r->rest.at[n] != ';') {
		if (r->rest.at[n] == '"')
			return false;
		n++;
	}
	*ret = sv_first(r->rest, n);
	skip(r, n);
	return true;
}

static int hex_value(char c)
{
	char lower = sv_lower_char(c);
	if (c >= '0' && c <= '9')
		return c - '0';
	return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* Percent-decoding into the arena. */
static bool decode_url(struct sv text, struct arena *arena, struct sv *ret)
{
	char *room = arena_alloc(arena, text.n + 1);
	size_t n = 0;
	for (size_t i = 0; room && i < text.n; i++) {
		room[n++] = text.at[i];
		if (text.at[i] != '%')
			continue;
		int high = i + 2 < text.n ? hex_value(text.at[i + 1]) : -1;
		int low = high >= 0 ? hex_value(text.at[i + 2]) : -1;
		if (low < 0)
			return false;
		room[n - 1] = (char)(high << 4 | low);
		i += 2;
	}
	*ret = (struct sv){room, n};
	return room;
}

struct block {
	char *name, *header;
	unsigned char *data;
	long n;
};

static void block_fini(struct block *b)
{
	OPENSSL_free(b->name);
	OPENSSL_free(b->header);
	OPENSSL_free(b->data);
}

static void bio_freep(BIO **bio)
{
	(void)BIO_free(*bio);
}

/* Appends the DER of the next PEM block. returns 1, 0 at the end, -1 when it is no certificate */
static int next_block(BIO *bio, char *room, size_t *n)
{
	CLEANUP(block_fini) struct block b = {0};
	if (PEM_read_bio(bio, &b.name, &b.header, &b.data, &b.n) != 1)
		return BIO_eof(bio) ? 0 : -1;
	if (strcmp(b.name, "CERTIFICATE") != 0 || b.header[0] || b.n <= 0)
		return -1;
	memcpy(room + *n, b.data, (size_t)b.n); /* DER is shorter than its PEM */
	*n += (size_t)b.n;
	return 1;
}

/* From the first line to the last, with nothing around. */
static bool is_framed(struct sv pem)
{
	while (pem.n > 0 && (pem.at[pem.n - 1] == '\n' || pem.at[pem.n - 1] == '\r'))
		pem.n--;
	return sv_starts(pem, SVL("-----BEGIN CERTIFICATE-----")) &&
	       sv_ends(pem, SVL("-----END CERTIFICATE-----"));
}

/* PEM certificates, url-encoded -> DER one behind the other; one of them or more. */
static bool pem_of(struct reading *r, struct sv value, bool only_one, struct sv *ret)
{
	struct sv pem;
	int found = 1;
	size_t n = 0, n_blocks = 0;
	if (ret->n > 0 || value.n == 0 || !decode_url(value, r->arena, &pem) || pem.n > INT_MAX ||
	    !is_framed(pem))
		return false; /* twice in one element is once too often */
	CLEANUP(bio_freep) BIO *bio = BIO_new_mem_buf(pem.at, (int)pem.n);
	char *room = bio ? arena_alloc(r->arena, pem.n) : NULL;
	while (room && (found = next_block(bio, room, &n)) == 1)
		n_blocks++;
	*ret = (struct sv){room, n};
	return room && found == 0 && n_blocks > 0 && (!only_one || n_blocks == 1);
}

static bool take_uri(struct reading *r, struct sv value)
{
	r->element->uri = value;
	r->element->n_uris++;
	return value.n > 0;
}

/* Hash, By, Subject and DNS are read and not looked at: nothing is believed by them. */
static bool take_pair(struct reading *r, struct sv key, struct sv value)
{
	if (sv_eq_ci(key, SVL("Cert")))
		return pem_of(r, value, true, &r->element->leaf);
	if (sv_eq_ci(key, SVL("Chain")))
		return pem_of(r, value, false, &r->element->chain);
	if (sv_eq_ci(key, SVL("URI")))
		return take_uri(r, value);
	return key.n > 0;
}

static bool read_pair(struct reading *r)
{
	size_t n = sv_find(r->rest, '=');
	struct sv key = sv_trim(sv_first(r->rest, n)), value = {0};
	if (n == r->rest.n || sv_find(key, ',') < key.n || sv_find(key, ';') < key.n ||
	    sv_find(key, '"') < key.n)
		return false;
	skip(r, n + 1);
	if (next_is(r, '"') ? !quoted(r, &value) : !bare(r, &value))
		return false;
	return take_pair(r, key, value);
}

/* Pairs with ';' between, up to ',' or the end. */
static bool read_element(struct reading *r)
{
	*r->element = (struct certheader){0};
	while (read_pair(r)) {
		if (r->rest.n == 0 || next_is(r, ','))
			return true;
		if (!next_is(r, ';'))
			return false;
		skip(r, 1);
	}
	return false;
}

bool certheader_xfcc(struct sv value, struct arena *arena, struct certheader *ret)
{
	struct reading r = {.rest = sv_trim(value), .arena = arena, .element = ret};
	bool more = true;
	while (more) {
		if (!read_element(&r))
			return false;
		more = r.rest.n > 0;
		skip(&r, 1);
	}
	return true;
}
