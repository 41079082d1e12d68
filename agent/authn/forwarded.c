#include "authn/forwarded.h"

#include "model/headers.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#define FORMAT(text, format)                                             \
	{                                                                \
		.name = (text), .kind = JSON_FIELD_STRINGS,              \
		.offset = offsetof(struct forwarded_options, networks) + \
		          (format) * sizeof(struct json_strings),        \
	}

const struct json_field forwarded_fields[FORWARDED_N_FIELDS] = {
	[FORWARDED_CLIENT_CERT] = FORMAT("client_cert", FORWARDED_CLIENT_CERT),
	[FORWARDED_XFCC] = FORMAT("xfcc", FORWARDED_XFCC),
};

struct networks {
	size_t n;
	struct netblock *blocks; /* owned */
};

struct forwarded {
	struct networks of[FORWARDED_FORMAT_COUNT];
};

void forwarded_free(struct forwarded *forwarded)
{
	for (size_t i = 0; forwarded && i < FORWARDED_FORMAT_COUNT; i++)
		free(forwarded->of[i].blocks);
	free(forwarded);
}

static void forwarded_freep(struct forwarded **forwarded)
{
	forwarded_free(*forwarded);
}

static int read_networks(const struct json_strings *list, const char *pointer, struct diag *d,
                         struct networks *ret)
{
	int result = 0;
	ret->blocks = calloc(list->n ? list->n : 1, sizeof(*ret->blocks));
	if (!ret->blocks)
		return -ENOMEM;
	for (size_t i = 0; i < list->n; i++) {
		char at[256];
		if (netblock_parse(sv_of(list->at[i]), &ret->blocks[ret->n])) {
			ret->n++;
			continue;
		}
		(void)snprintf(at, sizeof(at), "%s/%zu", pointer, i);
		diag_add(d, at, "bad_network",
		         "'%s' is no address and no network: 10.0.0.0/8 or 2001:db8::/32 is "
		         "expected, with zero bits behind the prefix",
		         list->at[i]);
		result = -EINVAL;
	}
	return result;
}

int forwarded_new(const struct forwarded_options *options, const char *pointer, struct diag *d,
                  struct forwarded **ret)
{
	CLEANUP(forwarded_freep) struct forwarded *made = calloc(1, sizeof(*made));
	int result = 0;
	size_t n = 0;
	if (!made)
		return -ENOMEM;
	for (size_t i = 0; i < FORWARDED_FORMAT_COUNT; i++) {
		char at[128];
		(void)snprintf(at, sizeof(at), "%s/%s", pointer, forwarded_fields[i].name);
		int r = read_networks(&options->networks[i], at, d, &made->of[i]);
		result = r ? r : result;
		n += made->of[i].n;
	}
	if (result == 0)
		*ret = n > 0 ? TAKE(made) : NULL;
	return result;
}

static bool trusts(const struct networks *networks, const struct netaddr *src)
{
	for (size_t i = 0; i < networks->n; i++)
		if (netblock_has(&networks->blocks[i], src))
			return true;
	return false;
}

/* The headers that are looked at. */
enum { CLIENT_CERT, CLIENT_CERT_CHAIN, XFCC, N_HEADERS };
static const struct {
	struct sv name;
	enum forwarded_format format;
	bool is_list; /* may have several fields */
} headers[N_HEADERS] = {
	[CLIENT_CERT] = {SV("client-cert"), FORWARDED_CLIENT_CERT, false},
	[CLIENT_CERT_CHAIN] = {SV("client-cert-chain"), FORWARDED_CLIENT_CERT, true},
	[XFCC] = {SV("x-forwarded-client-cert"), FORWARDED_XFCC, false},
};

struct seen {
	struct sv values[N_HEADERS];
	size_t n[N_HEADERS];
};

/* The fields of one name with commas between. */
static bool join(struct arena *arena, struct sv more, struct sv *value)
{
	struct sv both = arena_printf(arena, "%.*s,%.*s", SV_ARG(*value), SV_ARG(more));
	*value = both;
	return both.n > 0;
}

static bool note_field(const struct headers_walk *w, struct arena *arena, struct seen *seen)
{
	for (size_t i = 0; i < N_HEADERS; i++) {
		if (!sv_eq_ci(w->name, headers[i].name))
			continue;
		if (seen->n[i]++ == 0)
			seen->values[i] = w->value;
		else if (!headers[i].is_list || !join(arena, w->value, &seen->values[i]))
			return false;
	}
	return true;
}

static bool read_all(const struct request *req, struct arena *arena, struct seen *seen)
{
	struct headers_walk w = headers_over(req->headers);
	while (headers_next(&w))
		if (!note_field(&w, arena, seen))
			return false;
	return w.ended;
}

static enum forwarded_outcome read_client_cert(const struct seen *seen, struct arena *arena,
                                               struct certheader *ret)
{
	/* RFC 9440 2.3: no chain without its leaf */
	if (seen->n[CLIENT_CERT] == 0)
		return seen->n[CLIENT_CERT_CHAIN] ? FORWARDED_REFUSED : FORWARDED_NOTHING;
	if (!certheader_client_cert(seen->values[CLIENT_CERT], arena, ret))
		return FORWARDED_REFUSED;
	if (seen->n[CLIENT_CERT_CHAIN] &&
	    !certheader_client_cert_chain(seen->values[CLIENT_CERT_CHAIN], arena, ret))
		return FORWARDED_REFUSED;
	return FORWARDED_FOUND;
}

static enum forwarded_outcome read_xfcc(const struct seen *seen, struct arena *arena,
                                        struct certheader *ret)
{
	if (seen->n[XFCC] == 0)
		return FORWARDED_NOTHING;
	return certheader_xfcc(seen->values[XFCC], arena, ret) ? FORWARDED_FOUND
	                                                       : FORWARDED_REFUSED;
}

typedef enum forwarded_outcome read_fn(const struct seen *seen, struct arena *arena,
                                       struct certheader *ret);
static read_fn *const readers[] = {
	[FORWARDED_CLIENT_CERT] = read_client_cert,
	[FORWARDED_XFCC] = read_xfcc,
};
static_assert(ARRAY_LEN(readers) == FORWARDED_FORMAT_COUNT, "a reader a format");

enum forwarded_outcome forwarded_find(const struct forwarded *forwarded, const struct request *req,
                                      struct arena *arena, struct certheader *ret)
{
	struct seen seen = {0};
	enum forwarded_outcome found = FORWARDED_NOTHING;
	bool trusted = false;
	*ret = (struct certheader){0};
	for (size_t i = 0; forwarded && i < FORWARDED_FORMAT_COUNT; i++)
		trusted = trusted || trusts(&forwarded->of[i], &req->src);
	if (!trusted || req->headers.n == 0)
		return FORWARDED_NOTHING;
	if (!read_all(req, arena, &seen))
		return FORWARDED_REFUSED;
	for (size_t i = 0; i < FORWARDED_FORMAT_COUNT; i++) {
		if (!trusts(&forwarded->of[i], &req->src))
			continue;
		enum forwarded_outcome one = readers[i](&seen, arena, ret);
		if (one == FORWARDED_NOTHING)
			continue;
		if (one == FORWARDED_REFUSED || found == FORWARDED_FOUND)
			return FORWARDED_REFUSED; /* of two one would be a guess */
		found = one;
	}
	return found;
}
