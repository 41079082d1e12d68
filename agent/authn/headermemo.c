#include "authn/headermemo.h"

void headermemo_fini(struct headermemo *memo)
{
	for (size_t i = 0; i < HEADERMEMO_ROWS; i++)
		json_decref(memo->rows[i].header.document);
	*memo = (struct headermemo){0};
}

static const struct headermemo_row *row_of(const struct headermemo *memo, struct sv encoded)
{
	for (size_t i = 0; i < HEADERMEMO_ROWS; i++)
		if (encoded.n && sv_eq((struct sv){memo->rows[i].text, memo->rows[i].n}, encoded))
			return &memo->rows[i];
	return NULL;
}

bool headermemo_find(const struct headermemo *memo, struct sv encoded, struct jwt_header *ret)
{
	const struct headermemo_row *row = row_of(memo, encoded);
	if (!row)
		return false;
	*ret = row->header;
	(void)json_incref(ret->document);
	return true;
}

void headermemo_keep(struct headermemo *memo, struct sv encoded, const struct jwt_header *header)
{
	if (encoded.n > HEADERMEMO_TEXT_MAX_BYTES || row_of(memo, encoded))
		return;
	struct headermemo_row *row = &memo->rows[memo->next++ % HEADERMEMO_ROWS];
	json_decref(row->header.document);
	memcpy(row->text, encoded.at, encoded.n);
	row->n = encoded.n;
	row->header = *header;
	(void)json_incref(row->header.document);
}
