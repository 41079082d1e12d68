/* Source text to tokens. source: cel-spec doc/langdef.md, "Syntax". Internal to cel/. */
#ifndef AUTHZ_CEL_LEXER_H
#define AUTHZ_CEL_LEXER_H

#include "authz/cel/value.h"

enum cel_token_kind {
	CEL_TOKEN_END = 0,
	CEL_TOKEN_ERROR,  /* why says what is wrong */
	CEL_TOKEN_IDENT,  /* name; also reserved words */
	CEL_TOKEN_QUOTED, /* `name` */
	CEL_TOKEN_NUMBER, /* constant; is_min: 9223372036854775808, good only behind a minus */
	CEL_TOKEN_TEXT,   /* constant: STRING or BYTES */
	CEL_TOKEN_SIGN,   /* text */
};

struct cel_token {
	enum cel_token_kind kind;
	uint32_t offset, end;
	struct sv text;
	struct cel_value constant;
	bool is_min;
	const char *why;
};

struct cel_lexer {
	struct sv source;
	size_t at;
	struct arena *keep; /* for texts with escapes */
};

/* cel_lex - the next token; END again and again at the end. */
struct cel_token cel_lex(struct cel_lexer *lexer);

/* cel_is_reserved - a word that may be no name of a variable. */
bool cel_is_reserved(struct sv name);

#endif
