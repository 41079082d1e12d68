#include "authn/certmap.h"

#include "authn/spiffe.h"

#include <errno.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_MAX_BYTES = 1024, RULES_MAX = 1024 };

/* '*' matches one piece: what has none of these in it. A '/' would make two segments of the workload's path. */
static const struct {
	const char *name;
	int type; /* of a subject alternative name; -1: the subject */
	const char *ends_piece;
	bool any_case;
} kinds[] = {
	[CERTMAP_DNS] = {"dns", GEN_DNS, "./", true},
	[CERTMAP_URI] = {"uri", GEN_URI, "/:?#", false},
	[CERTMAP_EMAIL] = {"email", GEN_EMAIL, "@/", false},
	[CERTMAP_SUBJECT] = {"subject", -1, ",+\\/", false},
};

#define PATTERN(text, which)                                                               \
	{                                                                                  \
		.name = (text), .kind = JSON_FIELD_STRING,                                 \
		.offset = offsetof(struct certmap_rule, names) + (which) * sizeof(char *), \
		.min = 1, .max = NAME_MAX_BYTES                                            \
	}

static const struct json_field fields[] = {
	PATTERN("dns", CERTMAP_DNS),
	PATTERN("uri", CERTMAP_URI),
	PATTERN("email", CERTMAP_EMAIL),
	PATTERN("subject", CERTMAP_SUBJECT),
	{.name = "workload",
         .kind = JSON_FIELD_STRING,
         .offset = offsetof(struct certmap_rule, workload),
         .min = 1,
         .max = SPIFFE_ID_MAX_BYTES,
         .required = true},
};
#undef PATTERN

void certmap_fini(struct certmap *map)
{
	for (size_t i = 0; i < map->n; i++)
		json_fields_free(fields, ARRAY_LEN(fields), &map->rules[i]);
	free(map->rules);
	*map = (struct certmap){0};
}

/* ---- reading ---- */

struct reading {
	struct certmap_rule *rule;
	const char *pointer;
	const struct trustdomains *domains;
	struct diag *diag;
};

static int complain(const struct reading *r, const char *member, const char *code, const char *text)
{
	char pointer[320];
	(void)snprintf(pointer, sizeof(pointer), "%s%s%s", r->pointer, *member ? "/" : "", member);
	diag_add(r->diag, pointer, code, "%s", text);
	return -EINVAL;
}

static size_t n_stars(struct sv text)
{
	size_t n = 0;
	for (size_t i = 0; i < text.n; i++)
		n += text.at[i] == '*';
	return n;
}

static struct sv pattern_of(const struct certmap_rule *rule)
{
	return sv_of(rule->names[rule->kind]);
}

/* The workload with piece in the place of its star; empty when the arena is full. */
static struct sv fill(const struct certmap_rule *rule, struct sv piece, struct arena *arena)
{
	struct sv workload = sv_of(rule->workload);
	size_t star = sv_find(workload, '*');
	if (star == workload.n)
		return workload;
	struct sv rest = sv_from(workload, star + 1);
	return arena_printf(arena, "%.*s%.*s%.*s", (int)star, workload.at, SV_ARG(piece),
	                    SV_ARG(rest));
}

static int check_workload(const struct reading *r)
{
	char text[SPIFFE_ID_MAX_BYTES + 1];
	struct sv workload = sv_of(r->rule->workload);
	(void)snprintf(text, sizeof(text), "%s", r->rule->workload);
	for (char *at = text; *at; at++)
		if (*at == '*')
			*at = 'x';
	size_t n = n_stars(workload);
	struct sv domain = spiffe_domain_of(sv_of(text));
	if (n > 1 || !spiffe_id_check(sv_of(text)) ||
	    sv_find(workload, '*') < strlen("spiffe://") + domain.n)
		return complain(r, "workload", "bad_value",
		                "a SPIFFE ID with a path is expected here; one '*' may stand in "
		                "the path");
	if (n > 0 && n_stars(pattern_of(r->rule)) == 0)
		return complain(r, "workload", "bad_value",
		                "'*' stands for what '*' matched, and the pattern has none");
	if (trustdomains_find(r->domains, domain))
		return complain(r, "workload", "vouched_domain",
		                "only the bundle of this trust domain vouches for its workloads: "
		                "another one is expected here");
	return 0;
}

static int check_pattern(struct reading *r)
{
	size_t n = 0;
	for (unsigned kind = 0; kind < CERTMAP_KIND_COUNT; kind++) {
		if (!r->rule->names[kind])
			continue;
		r->rule->kind = (enum certmap_kind)kind;
		n++;
	}
	if (n != 1)
		return complain(r, "", "certificate_name",
		                "exactly one of dns, uri, email and subject is expected");
	if (n_stars(pattern_of(r->rule)) > 1)
		return complain(r, kinds[r->rule->kind].name, "bad_value",
		                "at most one '*' is expected");
	return check_workload(r);
}

int certmap_read(const json_t *list, const char *pointer, const struct trustdomains *domains,
                 struct diag *d, struct certmap *ret)
{
	int result = 0;
	*ret = (struct certmap){0};
	if (list && (!json_is_array(list) || json_array_size(list) > RULES_MAX)) {
		diag_add(d, pointer, "wrong_type", "an array of at most %d rules is expected here",
		         RULES_MAX);
		return -EINVAL;
	}
	size_t n = json_array_size(list);
	ret->rules = calloc(n ? n : 1, sizeof(*ret->rules));
	if (!ret->rules)
		return -ENOMEM;
	for (size_t i = 0; i < n; i++) {
		char at[256];
		(void)snprintf(at, sizeof(at), "%s/%zu", pointer, i);
		struct reading reading = {&ret->rules[ret->n++], at, domains, d};
		int r = json_fields_read(json_array_get(list, i), fields, ARRAY_LEN(fields), at, d,
		                         reading.rule);
		if (r == 0)
			r = check_pattern(&reading);
		if (r)
			result = result == -ENOMEM ? result : r;
	}
	return result;
}

/* ---- finding ---- */

static bool same(enum certmap_kind kind, struct sv a, struct sv b)
{
	return kinds[kind].any_case ? sv_eq_ci(a, b) : sv_eq(a, b);
}

/* out: *piece: what the star matched, empty without one */
static bool matches(const struct certmap_rule *rule, struct sv name, struct sv *piece)
{
	struct sv pattern = pattern_of(rule);
	size_t star = sv_find(pattern, '*');
	*piece = (struct sv){0};
	if (star == pattern.n)
		return same(rule->kind, pattern, name);
	struct sv before = sv_first(pattern, star), after = sv_from(pattern, star + 1);
	if (name.n <= before.n + after.n)
		return false;
	*piece = (struct sv){name.at + before.n, name.n - before.n - after.n};
	for (size_t i = 0; i < piece->n; i++)
		if (!piece->at[i] || strchr(kinds[rule->kind].ends_piece, piece->at[i]))
			return false;
	return same(rule->kind, before, sv_first(name, before.n)) &&
	       same(rule->kind, after, sv_from(name, name.n - after.n));
}

/* What a certificate offers to the rules. */
struct offer {
	GENERAL_NAMES *names; /* owned; NULL: none */
	BIO *subject;         /* owned; RFC 2253, the last of its values first */
	struct sv subject_text;
};

static void offer_fini(struct offer *offer)
{
	GENERAL_NAMES_free(offer->names);
	(void)BIO_free(offer->subject);
}

static bool offer_read(const X509 *cert, struct offer *ret)
{
	/* letters beyond ASCII as they are */
	unsigned long flags = XN_FLAG_RFC2253 & ~(unsigned long)ASN1_STRFLGS_ESC_MSB;
	char *text = NULL;
	ret->names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
	ret->subject = BIO_new(BIO_s_mem());
	if (!ret->subject ||
	    X509_NAME_print_ex(ret->subject, X509_get_subject_name(cert), 0, flags) < 0)
		return false;
	long n = BIO_get_mem_data(ret->subject, &text);
	ret->subject_text = (struct sv){text, n > 0 ? (size_t)n : 0};
	return true;
}

static bool rule_matches(const struct certmap_rule *rule, const struct offer *offer,
                         struct sv *piece)
{
	if (rule->kind == CERTMAP_SUBJECT)
		return matches(rule, offer->subject_text, piece);
	for (int i = 0; i < sk_GENERAL_NAME_num(offer->names); i++) {
		const GENERAL_NAME *name = sk_GENERAL_NAME_value(offer->names, i);
		if (name->type != kinds[rule->kind].type)
			continue;
		const ASN1_STRING *text = GENERAL_NAME_get0_value(name, NULL);
		if (matches(rule,
		            (struct sv){(const char *)ASN1_STRING_get0_data(text),
		                        (size_t)ASN1_STRING_length(text)},
		            piece))
			return true;
	}
	return false;
}

static enum svid_outcome refuse(enum reason *why, enum reason reason)
{
	*why = reason;
	return SVID_REFUSED;
}

static enum svid_outcome name_it(const struct certmap_rule *rule, struct sv piece,
                                 struct arena *arena, struct sv *ret, enum reason *why)
{
	struct sv lower;
	if (!arena_dup(arena, piece, &lower))
		return refuse(why, REASON_INTERNAL);
	if (kinds[rule->kind].any_case)
		for (size_t i = 0; i < lower.n; i++)
			((char *)(uintptr_t)lower.at)[i] =
				sv_lower_char(lower.at[i]); /* our copy */
	*ret = fill(rule, lower, arena);
	return spiffe_id_check(*ret) ? SVID_LEAF : refuse(why, REASON_SPIFFE_ID_INVALID);
}

enum svid_outcome certmap_find(const struct certmap *map, X509 *cert, struct arena *arena,
                               struct sv *ret, enum reason *why)
{
	CLEANUP(offer_fini) struct offer offer = {0};
	struct sv piece;
	if (map->n == 0)
		return SVID_NONE;
	if (!offer_read(cert, &offer))
		return refuse(why, REASON_INTERNAL);
	for (size_t i = 0; i < map->n; i++)
		if (rule_matches(&map->rules[i], &offer, &piece))
			return name_it(&map->rules[i], piece, arena, ret, why);
	return SVID_NONE;
}
