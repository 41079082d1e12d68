#include "authz/cel/re2.h"

#include <new>
#include <re2/re2.h>

// 256 KiB hold every pattern that a person writes; what needs more is refused when it is compiled.
static const int64_t memory_max = 256 << 10;

struct cel_re2 {
	explicit cel_re2(const re2::StringPiece &pattern, const RE2::Options &options)
	    : re(pattern, options)
	{
	}
	RE2 re;
};

struct cel_re2 *cel_re2_new(const char *pattern, size_t n, const char **why)
{
	RE2::Options options;
	options.set_never_capture(true);
	options.set_log_errors(false);
	options.set_max_mem(memory_max);
	try {
		cel_re2 *made = new cel_re2(re2::StringPiece(n ? pattern : "", n), options);
		if (made->re.ok())
			return made;
		*why = made->re.error_code() == RE2::ErrorPatternTooLarge
		               ? "this regular expression is too large"
		               : "this is no regular expression of RE2's syntax";
		delete made;
	} catch (const std::bad_alloc &) {
		*why = "there is no memory for this regular expression";
	}
	return nullptr;
}

void cel_re2_free(struct cel_re2 *re)
{
	delete re;
}

bool cel_re2_finds(const struct cel_re2 *re, const char *text, size_t n)
{
	try {
		return RE2::PartialMatch(re2::StringPiece(n ? text : "", n), re->re);
	} catch (const std::bad_alloc &) {
		return false;
	}
}
