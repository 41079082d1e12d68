#include "authz/cel/function.h"

const struct cel_functions *const cel_function_groups[] = {
	&cel_functions_operators,
	NULL,
};
