/* related(): what is known of who is what to an object, asked by a condition. Its host is a struct authz_asker. */
#include "authz/attribute.h"
#include "authz/cel/function.h"
#include "authz/expression.h"
#include "authz/relation_check.h"
#include "model/identity.h"

/* What is told of a question that is none; the values stay out of it, they may be anything. */
static struct cel_value not_understood(struct cel_call *call, const char *what, const char *why)
{
	return cel_errorf(call, "related(): %s: %s", what, why);
}

/* A user who is called "bob#manager" is no userset. */
static bool may_be_userset(const struct authz_asker *asker)
{
	struct sv user = asker->view->who->user, subject = asker->view->who->subject;
	return asker->takes_usersets && sv_find(user, '#') == user.n &&
	       sv_find(subject, '#') == subject.n;
}

static struct cel_value read_question(struct cel_call *call, const struct cel_value *a,
                                      struct relation_question *q)
{
	const char *why;
	size_t at;
	q->relation = cel_text(a[1]);
	if (!relation_ref_parse(cel_text(a[0]), &q->object, &why, &at))
		return not_understood(call, "the object", why);
	if (!relation_ref_parse(cel_text(a[2]), &q->subject, &why, &at))
		return not_understood(call, "the subject", why);
	if (q->object.relation.n > 0 || sv_eq(q->object.id, SVL("*")))
		return not_understood(call, "the object", "one thing is expected");
	if (q->subject.relation.n > 0 && !may_be_userset(call->host))
		return not_understood(call, "the subject", "a name in it has a '#'");
	const struct relation_type *type = relation_type_find(q->model, q->object.type);
	if (!type)
		return not_understood(call, "the object", "`types` has no such type");
	if (!relation_def_find(type, q->relation))
		return not_understood(call, "the relation", "objects of this type have none such");
	return cel_null();
}

/* The tuple that would have been enough. */
static void note_missing(const struct authz_asker *asker, const struct relation_question *q,
                         const struct cel_value *a)
{
	if (asker->missing)
		*asker->missing =
			arena_printf(asker->view->scratch, "%.*s#%.*s@%.*s", SV_ARG(q->object.text),
		                     SV_ARG(q->relation), SV_ARG(cel_text(a[2])));
}

static struct cel_value related(struct cel_call *call, const struct cel_value *a, unsigned n)
{
	(void)n;
	const struct authz_asker *asker = call->host;
	unsigned n_visits = 0;
	if (!asker || !asker->view->model)
		return cel_error("related(): there is no policy set here");
	if (!asker->view->tuples)
		return cel_error(asker->view->who->recorded ? "the book keeps no relations"
		                                            : "relations are not known here");
	struct relation_question q = {.model = asker->view->model,
	                              .tuples = asker->view->tuples,
	                              .ret_visits = &n_visits};
	struct cel_value error = read_question(call, a, &q);
	if (cel_is_error(error))
		return error;
	enum relation_answer answer = relation_check(&q);
	if (!cel_charge(call, n_visits))
		return cel_over();
	if (answer == RELATION_LIMIT)
		return cel_error("related(): it takes more than 25 steps, or 10000 tuples");
	if (answer != RELATION_YES)
		note_missing(asker, &q, a);
	return cel_bool(answer == RELATION_YES);
}

static const struct cel_function rows[] = {
	{"related", CEL_GLOBAL, "string, string, string", "bool", related,
         "is the third, a subject, in the relation to the first, an object: "
         "`related('order:' + path.id, 'owner', 'user:' + user)`, by the tuples that are kept and "
         "by "
         "`types`",
         0, NULL},
};

const struct cel_functions cel_functions_relations = {"Relations", rows, ARRAY_LEN(rows)};
