#include "state/htpasswd.h"

#include "state/crypthash.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

struct reading {
	struct diag *d;
	struct state_user *users;
	size_t n, room;
	unsigned line;
};

static int wrong(struct reading *r, const char *code, const char *text)
{
	char message[256];
	(void)snprintf(message, sizeof(message), "line %u: %s", r->line, text);
	diag_add(r->d, "", code, "%s", message);
	return -EINVAL;
}

static int check_hash(struct reading *r, struct sv hash)
{
	switch (crypthash_kind(hash)) {
	case CRYPTHASH_BCRYPT:
	case CRYPTHASH_SHA512:
		return hash.n < PASSWORD_PHC_BYTES ? 0
		                                   : wrong(r, "bad_hash", "the hash is too long");
	case CRYPTHASH_COSTLY:
		return wrong(r, "costly_hash",
		             "the hash takes too long to check: bcrypt is taken up to cost 14, "
		             "SHA-512 up to 1000000 rounds");
	case CRYPTHASH_FOREIGN:
		return wrong(r, "weak_hash",
		             "this kind of hash is not taken: bcrypt (htpasswd -B) and SHA-512 "
		             "(openssl passwd -6) are; set a new password for this user");
	case CRYPTHASH_NONE:
		break;
	}
	return wrong(r, "bad_hash", "there is no hash behind the user's name");
}

static bool is_known(const struct reading *r, struct sv name)
{
	for (size_t i = 0; i < r->n; i++)
		if (sv_eq(sv_of(r->users[i].name), name))
			return true;
	return false;
}

static struct state_user *add(struct reading *r)
{
	if (r->n == r->room) {
		size_t room = r->room ? r->room * 2 : 16;
		struct state_user *bigger = reallocarray(r->users, room, sizeof(*bigger));
		if (!bigger)
			return NULL;
		r->users = bigger;
		r->room = room;
	}
	r->users[r->n] = (struct state_user){0};
	return &r->users[r->n++];
}

static int read_line(struct reading *r, struct sv line)
{
	size_t colon = sv_find(line, ':');
	struct sv name = sv_first(line, colon), hash = sv_from(line, colon + 1);
	if (colon == line.n)
		return wrong(r, "no_colon", "a name, a colon and a hash are expected");
	if (!user_name_ok(name))
		return wrong(r, "bad_name", "this is no name: 1 to 128 bytes of text");
	if (is_known(r, name))
		return wrong(r, "duplicate_name", "this user stands twice");
	int result = check_hash(r, hash);
	if (result)
		return result;
	struct state_user *user = add(r);
	if (!user)
		return -ENOMEM;
	memcpy(user->name, name.at, name.n);
	memcpy(user->hash, hash.at, hash.n);
	return 0;
}

int htpasswd_read(struct sv text, struct diag *d, struct state_user **ret, size_t *ret_n)
{
	struct reading r = {.d = d};
	struct sv line;
	int result = 0;
	while (result != -ENOMEM && text.n && sv_cut(&text, '\n', &line)) {
		r.line++;
		while (line.n && line.at[line.n - 1] == '\r')
			line.n--;
		if (line.n == 0 || line.at[0] == '#')
			continue;
		int one = r.n < HTPASSWD_MAX_USERS
		                  ? read_line(&r, line)
		                  : wrong(&r, "too_many", "there are too many users");
		result = one ? one : result;
		if (r.n == HTPASSWD_MAX_USERS && one)
			break;
	}
	if (result) {
		free(r.users);
		return result;
	}
	*ret = r.users;
	*ret_n = r.n;
	return 0;
}
