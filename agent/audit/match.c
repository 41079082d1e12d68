#include "audit/filter.h"
#include "audit/filter_parts.h"
#include "core/encode.h"

static bool same(char a, char b, bool ignore_case)
{
	return ignore_case ? sv_lower_char(a) == sv_lower_char(b) : a == b;
}

/* `*` stands for any bytes. One step back to the last star at most: never exponential. */
static bool text_like(struct sv text, struct sv pattern, bool ignore_case)
{
	size_t t = 0, p = 0, star = SIZE_MAX, resume = 0;
	while (t < text.n) {
		if (p < pattern.n && pattern.at[p] == '*') {
			star = p++;
			resume = t;
		} else if (p < pattern.n && same(text.at[t], pattern.at[p], ignore_case)) {
			t++;
			p++;
		} else if (star != SIZE_MAX) {
			p = star + 1;
			t = ++resume;
		} else {
			return false;
		}
	}
	while (p < pattern.n && pattern.at[p] == '*')
		p++;
	return p == pattern.n;
}

static bool text_is(struct sv text, const struct value *value, bool ignore_case)
{
	if (value->pattern)
		return text_like(text, value->text, ignore_case);
	return ignore_case ? sv_eq_ci(text, value->text) : sv_eq(text, value->text);
}

static const void *member(const struct audit_record *record, size_t offset)
{
	return (const char *)record + offset;
}

static bool list_has(const struct audit_list *list, const struct value *value)
{
	struct audit_list rest = *list;
	struct sv item;
	while (audit_list_next(&rest, &item))
		if (text_is(item, value, false))
			return true;
	return false;
}

static bool in_range(uint64_t number, const struct value *value)
{
	return number >= value->least && number <= value->most;
}

static bool trace_is(struct sv trace, struct sv text)
{
	char hex[2 * 16 + 1];
	return trace.n == 16 && sv_eq_ci(hex_encode(trace, hex), text);
}

static bool word_is(const struct audit_record *record, const struct value *value)
{
	struct sv word = value->text;
	char id[EVENT_ID_TEXT_BYTES + 1];
	if (text_is(record->user, value, false) || text_is(record->subject, value, false) ||
	    text_is(record->service, value, false) || text_is(record->request_id, value, false) ||
	    text_is(record->policy, value, false) || text_is(record->action, value, false))
		return true;
	if (value->pattern)
		return text_like(record->path, word, false);
	return (word.n > 0 && word.at[0] == '/' && sv_starts(record->path, word)) ||
	       (word.n == EVENT_ID_TEXT_BYTES && sv_eq_ci(event_id_text(&record->id, id), word)) ||
	       trace_is(record->trace_id, word);
}

static bool has_it(const struct audit_row *row, uint64_t what)
{
	const struct audit_record *record = &row->record;
	const bool has[HAS_COUNT] = {
		[HAS_OUTCOME] = row->has_outcome, [HAS_SHADOW] = record->has_shadow,
		[HAS_USER] = record->user.n > 0,  [HAS_WORKLOAD] = record->workload.n > 0,
		[HAS_CUT] = record->cut,
	};
	return what < HAS_COUNT && has[what];
}

static bool outcome_number(const struct audit_row *row, size_t offset, const struct value *value)
{
	int64_t number = audit_number(*(const uint64_t *)member(&row->outcome, offset));
	return row->has_outcome && number >= 0 && in_range((uint64_t)number, value);
}

static bool value_fits(const struct audit_row *row, const struct field *f,
                       const struct value *value)
{
	const struct audit_record *record = &row->record;
	const void *at = member(record, f->offset);
	switch (f->match) {
	case MATCH_TEXT:
	case MATCH_TEXT_CI:
		return text_is(*(const struct sv *)at, value, f->match == MATCH_TEXT_CI) ||
		       (f->second &&
		        text_is(*(const struct sv *)member(record, f->second), value, false));
	case MATCH_LIST:
		return list_has(at, value);
	case MATCH_NUMBER:
		return in_range(*(const uint64_t *)at, value);
	case MATCH_MICROS:
		return in_range(*(const uint64_t *)at / 1000, value);
	case MATCH_OUTCOME:
		return outcome_number(row, f->offset, value);
	case MATCH_OUTCOME_TEXT:
		return row->has_outcome &&
		       text_is(*(const struct sv *)member(&row->outcome, f->offset), value, false);
	case MATCH_ADDRESS:
		return netblock_has(&value->block, at);
	case MATCH_VERDICT:
		return record->has_verdict && record->effect == value->least;
	case MATCH_SHADOW:
		return record->has_shadow && record->shadow_effect == value->least;
	case MATCH_KIND:
		return record->kind == value->least;
	case MATCH_AUTH:
		return record->auth_method == value->least;
	case MATCH_ID:
		return memcmp(&record->id, &value->id, sizeof(value->id)) == 0;
	case MATCH_TRACE:
		return trace_is(record->trace_id, value->text);
	case MATCH_HAS:
		return has_it(row, value->least);
	case MATCH_WORD:
		return word_is(record, value);
	}
	return false;
}

static bool term_fits(const struct audit_filter *filter, const struct term *term,
                      const struct audit_row *row)
{
	for (size_t i = 0; i < term->n; i++)
		if (value_fits(row, term->field, &filter->values[term->first + i]))
			return !term->exclude;
	return term->exclude;
}

bool audit_filter_wants(const struct audit_filter *filter, const struct audit_row *row)
{
	for (size_t i = 0; i < filter->n_terms; i++)
		if (!term_fits(filter, &filter->terms[i], row))
			return false;
	return true;
}

bool audit_filter_needs_outcome(const struct audit_filter *filter)
{
	for (size_t i = 0; i < filter->n_terms; i++) {
		enum match match = filter->terms[i].field->match;
		if (match == MATCH_OUTCOME || match == MATCH_OUTCOME_TEXT || match == MATCH_HAS)
			return true;
	}
	return false;
}

unsigned audit_filter_kinds(const struct audit_filter *filter, unsigned unnamed, unsigned possible)
{
	unsigned kinds = possible;
	bool named = false;
	for (size_t i = 0; i < filter->n_terms; i++) {
		const struct term *term = &filter->terms[i];
		unsigned asked = 0;
		if (term->field->match != MATCH_KIND)
			continue;
		for (size_t k = 0; k < term->n; k++)
			asked |= 1U << filter->values[term->first + k].least;
		kinds &= term->exclude ? ~asked : asked;
		named = named || !term->exclude;
	}
	return named ? kinds : kinds & unnamed;
}
