#include "admin/account.h"

#include "admin/call.h"
#include "admin/reply.h"
#include "state/roles.h"

json_t *account_roles(uint32_t roles)
{
	json_t *names = json_array();
	uint32_t role;
	const char *name;
	for (size_t i = 0; (name = role_name(i, &role)); i++)
		if (roles & role)
			json_array_append_new(names, json_string(name));
	return names;
}

bool account_ok(struct call *call, struct sv name, struct sv password)
{
	if (!admin_name_ok(name)) {
		reply_problem(call, PROBLEM_VALIDATION,
		              "The name has 1 to 64 of a-z 0-9 . _ @ - and begins with a letter or "
		              "digit.");
		return false;
	}
	enum password_fault fault = password_check(password, name);
	if (fault == PASSWORD_GOOD)
		return true;
	reply_problem(call, PROBLEM_VALIDATION, "%s", password_fault_text(fault));
	return false;
}
