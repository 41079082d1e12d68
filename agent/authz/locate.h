/* What a located request looks like to those who judge it. Internal to this folder. */
#ifndef AUTHZ_LOCATE_H
#define AUTHZ_LOCATE_H

#include "authz/attribute.h"
#include "authz/authz.h"
#include "model/reason.h"

/* authz_view_of - what rules look at: the target's normal path. scratch: for what they decode */
struct authz_view authz_view_of(const struct authz_target *target, const struct request *request,
                                const struct identity *who, struct arena *scratch);

struct authz_roles_held;

/* authz_view_arm - the rest of what rules look at. out: *roles, which the view holds */
void authz_view_arm(const struct authz *authz, const struct authz_target *target, struct sv service,
                    struct authz_roles_held *roles, struct authz_view *view);

/* authz_refuse - makes the verdict a denial that names one condition; its service and path stay. returns false */
bool authz_refuse(struct verdict *verdict, enum reason reason, struct sv condition, struct sv value,
                  const char *expected);

#endif
