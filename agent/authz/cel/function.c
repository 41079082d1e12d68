#include "authz/cel/function.h"

const struct cel_functions *const cel_function_groups[] = {
	&cel_functions_operators,
	&cel_functions_conversions,
	&cel_functions_strings,
	&cel_functions_regex,
	&cel_functions_time,
	&cel_functions_network,
	&cel_functions_optionals,
	&cel_functions_math,
	&cel_functions_encoders,
	&cel_functions_relations,
	NULL,
};
