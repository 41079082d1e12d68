/* A parsed filter from inside: filter.c makes it, match.c asks it. */
#ifndef AUDIT_FILTER_PARTS_H
#define AUDIT_FILTER_PARTS_H

#include "audit/filter.h"
#include "core/limits.h"
#include "core/netaddr.h"

enum { FILTER_VALUES_MAX = 256 };

enum match {
	MATCH_TEXT,
	MATCH_TEXT_CI,
	MATCH_LIST,
	MATCH_NUMBER,  /* as it is */
	MATCH_MICROS,  /* stored in nanoseconds, asked in microseconds */
	MATCH_OUTCOME, /* a number of the outcome */
	MATCH_OUTCOME_TEXT,
	MATCH_ADDRESS,
	MATCH_VERDICT,
	MATCH_SHADOW,
	MATCH_KIND,
	MATCH_AUTH,
	MATCH_ID,
	MATCH_TRACE,
	MATCH_HAS,
	MATCH_WORD,
};

struct field {
	const char *name;
	enum match match;
	size_t offset, second; /* in struct audit_record; second 0: none */
	enum index_field index;
};

enum { HAS_OUTCOME, HAS_SHADOW, HAS_USER, HAS_WORKLOAD, HAS_CUT, HAS_COUNT };

struct value {
	struct sv text;       /* unquoted, into filter->text_room */
	bool quoted;          /* `*` stands for itself */
	bool pattern;         /* has a `*` that stands for anything */
	uint64_t least, most; /* numbers; enum values in least */
	struct netblock block;
	struct event_id id;
};

struct term {
	const struct field *field;
	bool exclude;
	size_t first, n; /* values */
	size_t column;
};

struct audit_filter {
	char *room; /* unquoted texts */
	size_t n_room;
	char *normal;
	struct term terms[AUDIT_FILTER_MAX_TERMS];
	size_t n_terms;
	struct value values[FILTER_VALUES_MAX];
	size_t n_values;
	size_t indexed[AUDIT_FILTER_MAX_TERMS]; /* places in terms */
	size_t n_indexed;
};

#endif
