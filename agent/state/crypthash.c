#include "state/crypthash.h"

#include "core/secret.h"

#include <crypt.h>
#include <stdlib.h>

enum {
	COST_MIN = 4,
	COST_MAX = 14, /* about a second */
	ROUNDS_MAX = 1000000,
	SALT_MAX_BYTES = 16,
	SHA512_BYTES = 86,
	BCRYPT_BYTES = 53, /* salt and hash together */
	PASSWORD_MAX = 1024,
};

static bool is_crypt64(struct sv text)
{
	for (size_t i = 0; i < text.n; i++) {
		char c = sv_lower_char(text.at[i]);
		if ((c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '.' && c != '/')
			return false;
	}
	return true;
}

/* "12$" and 53 characters behind "$2y$" */
static enum crypthash_kind bcrypt_kind(struct sv rest)
{
	struct sv cost_text;
	unsigned long long cost;
	if (!sv_cut(&rest, '$', &cost_text) || cost_text.n != 2 || !sv_to_u64(cost_text, &cost) ||
	    cost < COST_MIN || rest.n != BCRYPT_BYTES || !is_crypt64(rest))
		return CRYPTHASH_NONE;
	return cost > COST_MAX ? CRYPTHASH_COSTLY : CRYPTHASH_BCRYPT;
}

/* "rounds=N$", where it is there, salt, "$" and 86 characters behind "$6$" */
static enum crypthash_kind sha512_kind(struct sv rest)
{
	static const struct sv word = SV("rounds=");
	struct sv part;
	unsigned long long rounds = 5000;
	if (sv_starts(rest, word) &&
	    (!sv_cut(&rest, '$', &part) || !sv_to_u64(sv_from(part, word.n), &rounds)))
		return CRYPTHASH_NONE;
	if (!sv_cut(&rest, '$', &part) || part.n > SALT_MAX_BYTES || rest.n != SHA512_BYTES ||
	    !is_crypt64(part) || !is_crypt64(rest))
		return CRYPTHASH_NONE;
	return rounds > ROUNDS_MAX ? CRYPTHASH_COSTLY : CRYPTHASH_SHA512;
}

enum crypthash_kind crypthash_kind(struct sv text)
{
	static const struct sv foreign[] = {SV("$apr1$"), SV("$1$"),  SV("{SHA}"),
	                                    SV("{SSHA}"), SV("$5$"),  SV("{PLAIN}"),
	                                    SV("$y$"),    SV("$gy$"), SV("$7$")};
	if (sv_starts(text, SVL("$2a$")) || sv_starts(text, SVL("$2b$")) ||
	    sv_starts(text, SVL("$2y$")))
		return bcrypt_kind(sv_from(text, 4));
	if (sv_starts(text, SVL("$6$")))
		return sha512_kind(sv_from(text, 3));
	for (size_t i = 0; i < ARRAY_LEN(foreign); i++)
		if (sv_starts(text, foreign[i]))
			return CRYPTHASH_FOREIGN;
	return text.n == 13 && is_crypt64(text) ? CRYPTHASH_FOREIGN : CRYPTHASH_NONE;
}

static bool is_checked(const char *hash)
{
	enum crypthash_kind kind = crypthash_kind(sv_of(hash));
	return kind == CRYPTHASH_BCRYPT || kind == CRYPTHASH_SHA512;
}

/* crypt_r() takes a terminated phrase; its context is too large for a stack. */
bool crypthash_verify(struct sv password, const char *hash)
{
	char phrase[PASSWORD_MAX + 1];
	if (!is_checked(hash) || password.n > PASSWORD_MAX || sv_find(password, '\0') != password.n)
		return false;
	struct crypt_data *context = calloc(1, sizeof(*context));
	if (!context)
		return false;
	if (password.n)
		memcpy(phrase, password.at, password.n);
	phrase[password.n] = '\0';
	const char *made = crypt_r(phrase, hash, context);
	bool good = made && secret_equal(sv_of(made), sv_of(hash));
	secret_wipe(phrase, sizeof(phrase));
	secret_wipe(context, sizeof(*context));
	free(context);
	return good;
}
