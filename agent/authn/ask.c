#include "authn/ask.h"

#include <jansson.h>
#include <stdlib.h>

void authn_answer_free(struct authn_answer *answer)
{
	if (!answer)
		return;
	json_decref(answer->claims);
	free(answer);
}

struct authn_answer *authn_answer_copy(const struct authn_answer *answer)
{
	struct authn_answer *copy = malloc(sizeof(*copy));
	if (!copy)
		return NULL;
	*copy = *answer;
	copy->next = NULL;
	copy->claims = answer->claims ? json_deep_copy(answer->claims) : NULL;
	if (copy->claims || !answer->claims)
		return copy;
	free(copy);
	return NULL;
}
