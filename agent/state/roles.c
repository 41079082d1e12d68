#include "state/roles.h"

#include <errno.h>
#include <string.h>

static const struct {
	uint32_t role;
	uint32_t includes; /* itself too */
	const char *name;
} roles[N_ROLES] = {
	{ROLE_VIEWER, ROLE_VIEWER, "viewer"},
	{ROLE_AUDITOR, ROLE_AUDITOR | ROLE_VIEWER, "auditor"},
	{ROLE_EDITOR, ROLE_EDITOR | ROLE_VIEWER, "editor"},
	{ROLE_PUBLISHER, ROLE_PUBLISHER | ROLE_EDITOR | ROLE_VIEWER, "publisher"},
	{ROLE_ADMIN, ROLES_ALL, "admin"},
};

uint32_t roles_effective(uint32_t granted)
{
	uint32_t effective = ROLE_NOBODY;
	for (size_t i = 0; i < N_ROLES; i++)
		if (granted & roles[i].role)
			effective |= roles[i].includes;
	return effective;
}

uint32_t role_find(struct sv name)
{
	for (size_t i = 0; i < N_ROLES; i++)
		if (sv_eq(name, sv_of(roles[i].name)))
			return roles[i].role;
	return ROLE_NOBODY;
}

const char *role_name(size_t i, uint32_t *ret_role)
{
	if (i >= N_ROLES)
		return NULL;
	*ret_role = roles[i].role;
	return roles[i].name;
}

void roles_text(uint32_t granted, char ret[static ROLES_TEXT_BYTES])
{
	size_t n = 0;
	for (size_t i = 0; i < N_ROLES; i++) {
		if (!(granted & roles[i].role))
			continue;
		if (n > 0)
			ret[n++] = ',';
		size_t n_name = strlen(roles[i].name);
		memcpy(ret + n, roles[i].name, n_name);
		n += n_name;
	}
	ret[n] = '\0';
}

int roles_parse(struct sv text, uint32_t *ret)
{
	uint32_t granted = ROLE_NOBODY;
	while (text.n > 0) {
		const char *comma = memchr(text.at, ',', text.n);
		struct sv name = {text.at, comma ? (size_t)(comma - text.at) : text.n};
		text = comma ? (struct sv){comma + 1, text.n - name.n - 1} : (struct sv){0};
		while (name.n > 0 && name.at[0] == ' ')
			name = (struct sv){name.at + 1, name.n - 1};
		while (name.n > 0 && name.at[name.n - 1] == ' ')
			name.n--;
		uint32_t role = role_find(name);
		if (role == ROLE_NOBODY)
			return -EINVAL;
		granted |= role;
	}
	if (granted == ROLE_NOBODY)
		return -EINVAL;
	*ret = granted;
	return 0;
}
