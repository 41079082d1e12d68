/* What rules say of relations as text: "order:{id}", "owner", "user:{user}". Internal to authz/.
 *
 * `related` and `notRelated` in `when` become the expression that says the same, so that a relation is asked, explained
 * and replayed in one way wherever it was written.
 */
#ifndef AUTHZ_RELATED_H
#define AUTHZ_RELATED_H

#include "core/macros.h"
#include "core/sv.h"

#include <jansson.h>
#include <stdbool.h>

struct authz_rule;
struct compile;
struct compile_place;
struct relation_def;

/* Who the subject is. */
enum related_subject { RELATED_USER = 0, RELATED_CLIENT, RELATED_WORKLOAD, RELATED_SUBJECT_COUNT };

struct related_who {
	struct sv type;
	enum related_subject subject;
};

/* related_subject_compile - "user:{user}", which it is where nothing is written. in: value: NULL: nothing; at: of the
 * object that has the member `subject`
 * errors  false: reported */
MUST_CHECK bool related_subject_compile(struct compile *c, const json_t *value,
                                        const struct compile_place *at, struct related_who *ret);

/* related_def_find - the relation of the object's type, by `types` of the set. in: at: of the object that has the
 * members `object` and `relation`
 * returns NULL: there is none, which is reported */
const struct relation_def *related_def_find(struct compile *c, const struct compile_place *at,
                                            struct sv object, struct sv relation);

/* related_compile - { "object": "order:{id}", "relation": "owner", "subject": "user:{user}" } of an element of `when`: one
 * more expression of the rule, or a report.
 *
 * in      at: of this object; label: "when[0].related", memory of the set; negated: that it may not be so; rule: its `to`
 *         is compiled already
 */
void related_compile(struct compile *c, const json_t *value, const struct compile_place *at,
                     struct sv label, bool negated, struct authz_rule *rule);

#endif
