/* Recursive descent over the grammar of cel-spec doc/langdef.md, "Syntax"; the depth is counted. */
#include "authz/cel/ast.h"
#include "authz/cel/lexer.h"
#include "authz/cel/macros.h"
#include "core/utf8.h"

#include <errno.h>
#include <stdio.h>

struct parser {
	struct cel_lexer lexer;
	struct cel_token token; /* the one that is looked at */
	struct cel_making making;
	uint32_t depth;
};

static struct cel_node *parse_expression(struct parser *p);
static struct cel_node *parse_unary(struct parser *p);

static struct cel_node *fail_at(struct parser *p, uint32_t offset, const char *text)
{
	return cel_making_fail(&p->making, offset, "%s", text);
}

static void advance(struct parser *p)
{
	p->token = cel_lex(&p->lexer);
	if (p->token.kind == CEL_TOKEN_ERROR)
		(void)fail_at(p, p->token.offset, p->token.why);
}

static bool is_sign(const struct parser *p, const char *sign)
{
	return p->token.kind == CEL_TOKEN_SIGN && sv_eq(p->token.text, sv_of(sign));
}

static bool take_sign(struct parser *p, const char *sign)
{
	if (!is_sign(p, sign))
		return false;
	advance(p);
	return true;
}

static bool want_sign(struct parser *p, const char *sign)
{
	if (take_sign(p, sign))
		return true;
	if (p->token.kind == CEL_TOKEN_END)
		(void)cel_making_fail(&p->making, p->token.offset,
		                      "the expression ends where a '%s' is missing", sign);
	else
		(void)cel_making_fail(&p->making, p->token.offset, "a '%s' is expected here", sign);
	return false;
}

/* ---- lists of expressions ---- */

enum { ELEMENTS_MAX = 4096 };

struct elements {
	struct cel_node **at;
	bool *optionals;
	size_t n, room;
	bool any_optional;
};

/* The arena never gives back; doubling wastes as much as is kept. */
static bool push(struct parser *p, struct elements *list, struct cel_node *node, bool is_optional)
{
	struct arena *keep = p->making.keep;
	if (list->n == list->room) {
		size_t room = list->room ? 2 * list->room : 4;
		struct cel_node **at = arena_array(keep, room, sizeof(struct cel_node *));
		bool *optionals = arena_array(keep, room, sizeof(bool));
		if (!at || !optionals || room > ELEMENTS_MAX) {
			(void)fail_at(p, p->token.offset, "there are too many elements");
			return false;
		}
		if (list->n) {
			memcpy(at, list->at, list->n * sizeof(struct cel_node *));
			memcpy(optionals, list->optionals, list->n * sizeof(bool));
		}
		list->at = at;
		list->optionals = optionals;
		list->room = room;
	}
	list->at[list->n] = node;
	list->optionals[list->n++] = is_optional;
	list->any_optional = list->any_optional || is_optional;
	return true;
}

/* Up to the closing sign, which is taken too. A comma behind the last is allowed in lists and maps. */
static bool parse_elements(struct parser *p, const char *close, bool may_trail,
                           bool may_be_optional, bool are_pairs, struct elements *ret)
{
	while (!is_sign(p, close)) {
		bool is_optional = may_be_optional && take_sign(p, "?");
		struct cel_node *node = parse_expression(p);
		if (!node || !push(p, ret, node, is_optional))
			return false;
		if (are_pairs) {
			node = want_sign(p, ":") ? parse_expression(p) : NULL;
			if (!node || !push(p, ret, node, is_optional))
				return false;
		}
		if (!take_sign(p, ","))
			break;
		if (!may_trail && is_sign(p, close)) {
			(void)fail_at(p, p->token.offset,
			              "an argument is missing behind the comma");
			return false;
		}
	}
	return want_sign(p, close);
}

static struct cel_node *parse_list(struct parser *p)
{
	struct elements list = {0};
	uint32_t offset = p->token.offset;
	bool is_map = is_sign(p, "{");
	advance(p);
	if (!parse_elements(p, is_map ? "}" : "]", true, true, is_map, &list))
		return NULL;
	struct cel_node *node = cel_making_node(&p->making, is_map ? CEL_NODE_MAP : CEL_NODE_LIST,
	                                        offset, list.at, list.n);
	if (node && list.any_optional)
		node->optionals = list.optionals;
	return node;
}

/* ---- what stands for itself ---- */

static struct cel_node *parse_constant(struct parser *p, struct cel_value value)
{
	struct cel_node *node =
		cel_making_node(&p->making, CEL_NODE_CONSTANT, p->token.offset, NULL, 0);
	if (node)
		node->constant = value;
	advance(p);
	return node;
}

static bool is_name(const struct parser *p, const char *name)
{
	return p->token.kind == CEL_TOKEN_IDENT && sv_eq(p->token.text, sv_of(name));
}

static struct cel_node *parse_name(struct parser *p, bool is_rooted)
{
	struct cel_token token = p->token;
	struct elements args = {0};
	if (cel_is_reserved(token.text))
		return cel_making_fail(&p->making, token.offset,
		                       "'%.*s' is a reserved word and can be no name",
		                       SV_ARG(token.text));
	advance(p);
	if (is_sign(p, "{"))
		return fail_at(p, p->token.offset,
		               "messages cannot be built here; maps are "
		               "written as {'key': value}");
	if (!take_sign(p, "(")) {
		struct cel_node *node =
			cel_making_node(&p->making, CEL_NODE_IDENT, token.offset, NULL, 0);
		if (node) {
			node->name = token.text;
			node->is_rooted = is_rooted;
		}
		return node;
	}
	if (!parse_elements(p, ")", false, false, false, &args))
		return NULL;
	return cel_macro_global(&p->making, token.text, token.offset, args.at, args.n);
}

static struct cel_node *parse_primary(struct parser *p)
{
	struct cel_token token = p->token;
	if (p->making.has_failed)
		return NULL;
	if (token.kind == CEL_TOKEN_NUMBER && token.is_min)
		return fail_at(p, token.offset,
		               "the number is too large for an int; a uint has u behind it");
	if (token.kind == CEL_TOKEN_NUMBER || token.kind == CEL_TOKEN_TEXT)
		return parse_constant(p, token.constant);
	if (is_name(p, "true") || is_name(p, "false"))
		return parse_constant(p, cel_bool(is_name(p, "true")));
	if (is_name(p, "null"))
		return parse_constant(p, cel_null());
	if (take_sign(p, "(")) {
		struct cel_node *node = parse_expression(p);
		return node && want_sign(p, ")") ? node : NULL;
	}
	if (is_sign(p, "[") || is_sign(p, "{"))
		return parse_list(p);
	bool is_rooted = take_sign(p, ".");
	if (p->token.kind == CEL_TOKEN_IDENT)
		return parse_name(p, is_rooted);
	return fail_at(p, p->token.offset,
	               p->token.kind == CEL_TOKEN_END
	                       ? "the expression ends where a value is missing"
	                       : "a value is expected here");
}

/* ---- what stands behind: .name .name(...) .?name [...] [?...] ---- */

/* A reserved word may be a field or a method; true, false, null and in may not. */
static bool is_field(const struct parser *p)
{
	return p->token.kind == CEL_TOKEN_QUOTED ||
	       (p->token.kind == CEL_TOKEN_IDENT && !is_name(p, "in") && !is_name(p, "true") &&
	        !is_name(p, "false") && !is_name(p, "null"));
}

static struct cel_node *parse_field(struct parser *p, struct cel_node *of)
{
	uint32_t offset = p->token.offset;
	bool is_optional = take_sign(p, "?");
	struct cel_token token = p->token;
	struct elements args = {0};
	if (!is_field(p))
		return fail_at(p, token.offset, "a name is expected behind the dot");
	advance(p);
	if (!is_optional && token.kind == CEL_TOKEN_IDENT && is_sign(p, "(")) {
		advance(p);
		if (!push(p, &args, of, false) ||
		    !parse_elements(p, ")", false, false, false, &args))
			return NULL;
		return cel_macro_receiver(&p->making, token.text, token.offset, args.at, args.n);
	}
	struct cel_node *node =
		cel_making_list(&p->making, CEL_NODE_SELECT, offset, of, NULL, NULL);
	if (node) {
		node->name = token.text;
		node->is_optional = is_optional;
	}
	if (node && is_sign(p, "{"))
		return fail_at(p, p->token.offset,
		               "messages cannot be built here; maps are "
		               "written as {'key': value}");
	return node;
}

static struct cel_node *parse_index(struct parser *p, struct cel_node *of, uint32_t offset)
{
	bool is_optional = take_sign(p, "?");
	struct cel_node *index = parse_expression(p);
	if (!index || !want_sign(p, "]"))
		return NULL;
	struct cel_node *node = cel_making_list(&p->making, CEL_NODE_CALL, offset, of, index, NULL);
	if (node) {
		node->name = SVL("_[_]");
		node->is_optional = is_optional;
	}
	return node;
}

static struct cel_node *parse_member(struct parser *p, struct cel_node *node)
{
	while (node && !p->making.has_failed) {
		uint32_t offset = p->token.offset;
		if (take_sign(p, "."))
			node = parse_field(p, node);
		else if (take_sign(p, "["))
			node = parse_index(p, node, offset);
		else
			break;
	}
	return p->making.has_failed ? NULL : node;
}

/* ---- operators ---- */

/* A minus in front of a number is part of it: -9223372036854775808 is an int. */
static struct cel_node *parse_negative(struct parser *p, uint32_t offset)
{
	struct cel_value value = p->token.constant;
	if (value.kind == CEL_UINT)
		return NULL;
	if (value.kind == CEL_DOUBLE)
		value.d = -value.d;
	else if (!p->token.is_min)
		value.i = -value.i;
	struct cel_node *node = parse_constant(p, value);
	if (node)
		node->offset = offset;
	return parse_member(p, node);
}

static struct cel_node *parse_unary(struct parser *p)
{
	uint32_t offset = p->token.offset;
	bool is_minus = is_sign(p, "-");
	if (!is_minus && !is_sign(p, "!"))
		return parse_member(p, parse_primary(p));
	if (++p->depth > p->making.limits->depth)
		return fail_at(p, offset, "the expression is nested too deeply");
	advance(p);
	struct cel_node *node = NULL;
	if (is_minus && p->token.kind == CEL_TOKEN_NUMBER)
		node = parse_negative(p, offset);
	if (!node && !p->making.has_failed) {
		struct cel_node *of = parse_unary(p);
		node = of ? cel_making_list(&p->making, CEL_NODE_CALL, offset, of, NULL, NULL)
		          : NULL;
		if (node)
			node->name = is_minus ? SVL("-_") : SVL("!_");
	}
	p->depth--;
	return node;
}

struct operator
{
	const char *sign;
	struct sv name;
	uint8_t strength; /* || 1, && 2, relations 3, sums 4, products 5 */
	uint8_t kind;
};

static const struct operator operators[] = {
	{"||", SV("_||_"), 1, CEL_NODE_OR},   {"&&", SV("_&&_"), 2, CEL_NODE_AND},
	{"==", SV("_==_"), 3, CEL_NODE_CALL}, {"!=", SV("_!=_"), 3, CEL_NODE_CALL},
	{"<", SV("_<_"), 3, CEL_NODE_CALL},   {"<=", SV("_<=_"), 3, CEL_NODE_CALL},
	{">", SV("_>_"), 3, CEL_NODE_CALL},   {">=", SV("_>=_"), 3, CEL_NODE_CALL},
	{"in", SV("_in_"), 3, CEL_NODE_CALL}, {"+", SV("_+_"), 4, CEL_NODE_CALL},
	{"-", SV("_-_"), 4, CEL_NODE_CALL},   {"*", SV("_*_"), 5, CEL_NODE_CALL},
	{"/", SV("_/_"), 5, CEL_NODE_CALL},   {"%", SV("_%_"), 5, CEL_NODE_CALL},
};

static const struct operator* find_operator(const struct parser *p)
{
	for (size_t i = 0; i < ARRAY_LEN(operators); i++)
		if (is_sign(p, operators[i].sign) ||
		    (operators[i].sign[0] == 'i' && is_name(p, "in")))
			return &operators[i];
	return NULL;
}

static struct cel_node *parse_operators(struct parser *p, unsigned least)
{
	struct cel_node *left = parse_unary(p);
	const struct operator* o;
	while (left && (o = find_operator(p)) && o->strength >= least) {
		uint32_t offset = p->token.offset;
		advance(p);
		struct cel_node *right = parse_operators(p, o->strength + 1U);
		if (!right)
			return NULL;
		left = cel_making_list(&p->making, o->kind, offset, left, right, NULL);
		if (left)
			left->name = o->name;
	}
	return p->making.has_failed ? NULL : left;
}

static struct cel_node *parse_choice(struct parser *p)
{
	struct cel_node *test = parse_operators(p, 1);
	uint32_t offset = p->token.offset;
	if (!test || !take_sign(p, "?"))
		return test;
	struct cel_node *yes = parse_operators(p, 1);
	struct cel_node *no = yes && want_sign(p, ":") ? parse_expression(p) : NULL;
	return no ? cel_making_list(&p->making, CEL_NODE_CHOICE, offset, test, yes, no) : NULL;
}

static struct cel_node *parse_expression(struct parser *p)
{
	if (p->making.has_failed)
		return NULL;
	if (++p->depth > p->making.limits->depth)
		return fail_at(p, p->token.offset, "the expression is nested too deeply");
	struct cel_node *node = parse_choice(p);
	p->depth--;
	return p->making.has_failed ? NULL : node;
}

int cel_parse(struct sv source, const struct cel_limits *limits, struct arena *keep,
              struct cel_problem *problem, struct cel_node **ret)
{
	struct parser p = {
		.lexer = {.source = source, .keep = keep},
		.making = {.keep = keep, .limits = limits, .problem = problem},
	};
	if (source.n > limits->source_bytes)
		(void)cel_making_fail(&p.making, 0, "an expression has at most %u bytes",
		                      limits->source_bytes);
	else if (!utf8_valid(source))
		(void)fail_at(&p, 0, "the expression is not UTF-8");
	else
		advance(&p);
	struct cel_node *node = parse_expression(&p);
	if (node && p.token.kind != CEL_TOKEN_END)
		node = fail_at(&p, p.token.offset, "the expression should have ended here");
	if (!node)
		return p.making.is_full ? -ENOMEM : -EINVAL;
	*ret = node;
	return 0;
}
