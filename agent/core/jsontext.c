#include "core/jsontext.h"

#include "core/utf8.h"

json_t *json_text(struct sv text)
{
	if (utf8_valid(text))
		return json_stringn(text.n ? text.at : "", text.n);
	json_t *all = json_string("");
	for (size_t i = 0; all && i < text.n;) {
		size_t n = utf8_length(sv_from(text, i));
		json_t *more = json_sprintf("%s%.*s", json_string_value(all), n ? (int)n : 3,
		                            n ? text.at + i : "\xef\xbf\xbd");
		json_decref(all);
		all = more;
		i += n ? n : 1;
	}
	return all;
}

json_t *json_text_or_null(struct sv text)
{
	return text.n ? json_text(text) : json_null();
}
