#include "core/jsonload.h"

#include "core/limits.h"

bool json_depth_within(struct sv text, unsigned max)
{
	unsigned depth = 0;
	bool in_string = false;
	for (size_t i = 0; i < text.n; i++) {
		char c = text.at[i];
		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth)
			depth--;
		if (depth > max)
			return false;
	}
	return true;
}

static const char *code_of(const json_error_t *error)
{
	return json_error_code(error) == json_error_duplicate_key ? "duplicate_member" : "not_json";
}

static unsigned positive(int value)
{
	return value > 0 ? (unsigned)value : 0;
}

json_t *json_load_strict(struct sv text, unsigned max_depth, struct diag *d)
{
	json_error_t error;
	if (text.n == 0) {
		diag_add_at(d, 1, 1, "not_json", "the text is empty: a JSON value is expected");
		return NULL;
	}
	if (!json_depth_within(text, max_depth ? max_depth : JSON_MAX_DEPTH)) {
		diag_add_at(d, 1, 1, "too_deep", "nested deeper than %u levels",
		            max_depth ? max_depth : JSON_MAX_DEPTH);
		return NULL;
	}
	json_t *value =
		json_loadb(text.at, text.n, JSON_REJECT_DUPLICATES | JSON_DECODE_ANY, &error);
	if (!value)
		diag_add_at(d, positive(error.line), positive(error.column), code_of(&error), "%s",
		            error.text);
	return value;
}

struct sv json_string_sv(const json_t *value)
{
	if (!json_is_string(value))
		return (struct sv){0};
	return (struct sv){json_string_value(value), json_string_length(value)};
}
