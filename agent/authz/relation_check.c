#include "authz/relation_check.h"

/* One question on the way, and those that led to it. */
struct step {
	struct sv object; /* "type:id" */
	const struct relation_def *def;
	const struct step *from;
	unsigned depth;
};

struct checking {
	const struct relation_question *q;
	struct sv wildcard; /* whoever is of the subject's type */
	unsigned n_visits;
	unsigned n_left_out; /* differences whose second part is looked at */
};

static enum relation_answer check(struct checking *c, struct sv object,
                                  const struct relation_type *type, const struct relation_def *def,
                                  const struct step *from);

static struct sv type_of(struct sv object)
{
	return sv_first(object, sv_find(object, ':'));
}

static bool is_wildcard(struct sv text)
{
	return sv_ends(text, SVL(":*"));
}

static bool is_on_the_way(const struct step *from, struct sv object, const struct relation_def *def)
{
	for (; from; from = from->from)
		if (from->def == def && sv_eq(from->object, object))
			return true;
	return false;
}

/* no < limit < yes: a limit is told only where nothing else says yes. */
static enum relation_answer either(enum relation_answer a, enum relation_answer b)
{
	if (a == RELATION_YES || b == RELATION_YES)
		return RELATION_YES;
	return a == RELATION_LIMIT || b == RELATION_LIMIT ? RELATION_LIMIT : RELATION_NO;
}

/* ---- the tuples themselves ---- */

/* The tuples that would be enough: of the subject itself, and of all of its type. */
struct direct {
	struct relation_probe own, wildcard;
};

/* in: object: of the relation that def is */
static struct direct expect_direct(const struct checking *c, const struct relation_def *def,
                                   struct relation_node object)
{
	const struct relation_ref *subject = &c->q->subject;
	struct direct direct = {0};
	if (relation_allows(def, subject->type, subject->relation, sv_eq(subject->id, SVL("*"))))
		direct.own = relation_probe_start(
			c->q->tuples, object,
			(struct relation_node){subject->text, subject->relation});
	if (subject->relation.n == 0 && relation_allows(def, subject->type, (struct sv){0}, true))
		direct.wildcard = relation_probe_start(c->q->tuples, object,
		                                       (struct relation_node){c->wildcard, {0}});
	return direct;
}

static bool has_direct(const struct checking *c, struct direct direct)
{
	return relation_probe_is_there(c->q->tuples, direct.own) ||
	       relation_probe_is_there(c->q->tuples, direct.wildcard);
}

static enum relation_answer check_userset(struct checking *c, const struct relation_def *def,
                                          struct relation_node subject, const struct step *here)
{
	const struct relation_type *type = relation_type_find(c->q->model, type_of(subject.text));
	const struct relation_def *next = relation_def_find(type, subject.relation);
	if (!next || !relation_allows(def, type->name, subject.relation, false))
		return RELATION_NO;
	return check(c, subject.text, type, next, here);
}

static enum relation_answer check_this(struct checking *c, const struct relation_def *def,
                                       const struct step *here)
{
	const struct relation_node object = {here->object, def->name};
	struct relation_walk walk;
	enum relation_answer answer = RELATION_NO;
	if (!c->q->tuples)
		return RELATION_NO;
	bool has_usersets = relation_allows_usersets(def);
	struct direct direct = expect_direct(c, def, object);
	if (has_usersets)
		relation_walk_start(&walk, c->q->tuples, object, true);
	if (has_direct(c, direct))
		return RELATION_YES;
	while (has_usersets && answer != RELATION_YES && relation_walk_next(&walk)) {
		if (++c->n_visits > RELATION_VISITS_MAX)
			return RELATION_LIMIT;
		answer = either(answer, check_userset(c, def, walk.subject, here));
	}
	return answer;
}

/* ---- what follows ---- */

static enum relation_answer check_parent(struct checking *c, const struct relation_def *tupleset,
                                         struct sv parent, struct sv relation,
                                         const struct step *here)
{
	const struct relation_type *type = relation_type_find(c->q->model, type_of(parent));
	const struct relation_def *next = relation_def_find(type, relation);
	if (!next || is_wildcard(parent) ||
	    !relation_allows(tupleset, type->name, (struct sv){0}, false))
		return RELATION_NO;
	return check(c, parent, type, next, here);
}

static enum relation_answer check_from(struct checking *c, const struct relation_type *type,
                                       const struct relation_rewrite *rewrite,
                                       const struct step *here)
{
	const struct relation_def *tupleset = relation_def_find(type, rewrite->tupleset);
	const struct relation_node object = {here->object, rewrite->tupleset};
	struct relation_walk walk;
	enum relation_answer answer = RELATION_NO;
	if (!tupleset || !c->q->tuples)
		return RELATION_NO;
	relation_walk_start(&walk, c->q->tuples, object, false);
	while (answer != RELATION_YES && relation_walk_next(&walk)) {
		if (++c->n_visits > RELATION_VISITS_MAX)
			return RELATION_LIMIT;
		answer = either(answer, check_parent(c, tupleset, walk.subject.text,
		                                     rewrite->relation, here));
	}
	return answer;
}

static enum relation_answer check_rewrite(struct checking *c, const struct relation_type *type,
                                          const struct relation_def *def,
                                          const struct relation_rewrite *rewrite,
                                          const struct step *here);

static enum relation_answer check_union(struct checking *c, const struct relation_type *type,
                                        const struct relation_def *def,
                                        const struct relation_rewrite *rewrite,
                                        const struct step *here)
{
	enum relation_answer answer = RELATION_NO;
	for (size_t i = 0; i < rewrite->n && answer != RELATION_YES; i++)
		answer = either(answer, check_rewrite(c, type, def, &rewrite->of[i], here));
	return answer;
}

static enum relation_answer check_intersection(struct checking *c, const struct relation_type *type,
                                               const struct relation_def *def,
                                               const struct relation_rewrite *rewrite,
                                               const struct step *here)
{
	enum relation_answer answer = rewrite->n ? RELATION_YES : RELATION_NO;
	for (size_t i = 0; i < rewrite->n && answer == RELATION_YES; i++)
		answer = check_rewrite(c, type, def, &rewrite->of[i], here);
	return answer;
}

/* Whoever might be left out is left out. */
static enum relation_answer check_difference(struct checking *c, const struct relation_type *type,
                                             const struct relation_def *def,
                                             const struct relation_rewrite *rewrite,
                                             const struct step *here)
{
	if (rewrite->n != 2)
		return RELATION_NO;
	enum relation_answer all = check_rewrite(c, type, def, &rewrite->of[0], here);
	if (all != RELATION_YES)
		return all;
	c->n_left_out++;
	enum relation_answer out = check_rewrite(c, type, def, &rewrite->of[1], here);
	c->n_left_out--;
	if (out == RELATION_LIMIT)
		return RELATION_LIMIT;
	return out == RELATION_YES ? RELATION_NO : RELATION_YES;
}

static enum relation_answer check_rewrite(struct checking *c, const struct relation_type *type,
                                          const struct relation_def *def,
                                          const struct relation_rewrite *rewrite,
                                          const struct step *here)
{
	const struct relation_def *other;
	switch (rewrite->kind) {
	case RELATION_THIS:
		return check_this(c, def, here);
	case RELATION_COMPUTED:
		other = relation_def_find(type, rewrite->relation);
		return other ? check(c, here->object, type, other, here) : RELATION_NO;
	case RELATION_FROM:
		return check_from(c, type, rewrite, here);
	case RELATION_UNION:
		return check_union(c, type, def, rewrite, here);
	case RELATION_INTERSECTION:
		return check_intersection(c, type, def, rewrite, here);
	case RELATION_DIFFERENCE:
		return check_difference(c, type, def, rewrite, here);
	}
	return RELATION_NO;
}

static enum relation_answer check(struct checking *c, struct sv object,
                                  const struct relation_type *type, const struct relation_def *def,
                                  const struct step *from)
{
	const struct step here = {object, def, from, from ? from->depth + 1 : 0};
	const struct relation_ref *subject = &c->q->subject;
	/* whoever is object#relation is in that relation, by what the words mean */
	if (sv_eq(subject->text, object) && sv_eq(subject->relation, def->name))
		return RELATION_YES;
	/* a circle adds nobody; but it must not keep anybody from being left out */
	if (is_on_the_way(from, object, def))
		return c->n_left_out ? RELATION_LIMIT : RELATION_NO;
	if (here.depth >= RELATION_DEPTH_MAX || ++c->n_visits > RELATION_VISITS_MAX)
		return RELATION_LIMIT;
	return check_rewrite(c, type, def, &def->rewrite, &here);
}

enum relation_answer relation_check(const struct relation_question *q)
{
	char wildcard[RELATION_NAME_MAX + 2];
	struct checking c = {.q = q};
	const struct relation_type *type = relation_type_find(q->model, q->object.type);
	const struct relation_def *def = relation_def_find(type, q->relation);
	if (!def || q->subject.type.n > RELATION_NAME_MAX)
		return RELATION_NO;
	memcpy(wildcard, q->subject.type.at, q->subject.type.n);
	memcpy(wildcard + q->subject.type.n, ":*", 2);
	c.wildcard = (struct sv){wildcard, q->subject.type.n + 2};
	enum relation_answer answer = check(&c, q->object.text, type, def, NULL);
	if (q->ret_visits)
		*q->ret_visits = c.n_visits;
	return answer;
}
