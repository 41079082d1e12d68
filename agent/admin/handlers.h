#ifndef ADMIN_HANDLERS_H
#define ADMIN_HANDLERS_H

/* Every operation of the API. A handler finds everything in the call and leaves its reply there. */

struct call;

void session_create(struct call *call);
void session_show(struct call *call);
void session_delete(struct call *call);
void setup_show(struct call *call);
void setup_create(struct call *call);

void decisions_list(struct call *call);
void decisions_histogram(struct call *call);
void decisions_facets(struct call *call);
void decisions_show(struct call *call);
void decisions_csv(struct call *call);
void decisions_ndjson(struct call *call);
void admin_events_list(struct call *call);

void policy_set_show(struct call *call);
void draft_show(struct call *call);
void draft_put(struct call *call);
void draft_delete(struct call *call);
void policy_validate(struct call *call);
void diff_show(struct call *call);
void diff_create(struct call *call);
void policy_tests(struct call *call);
void versions_list(struct call *call);
void versions_show(struct call *call);
void versions_publish(struct call *call);
void rollbacks_create(struct call *call);
void evaluations_create(struct call *call);
void authzen_evaluation(struct call *call);
void authzen_evaluations(struct call *call);
void authzen_configuration(struct call *call);
void policies_list(struct call *call);
void replays_list(struct call *call);
void replays_create(struct call *call);
void replay_show(struct call *call);
void replay_delete(struct call *call);

void admins_list(struct call *call);
void admins_create(struct call *call);
void admins_change(struct call *call);
void admins_delete(struct call *call);

void apikeys_list(struct call *call);
void apikeys_show(struct call *call);
void apikeys_create(struct call *call);
void apikeys_rotate(struct call *call);
void apikeys_revoke(struct call *call);
void apikeys_change(struct call *call);

void users_list(struct call *call);
void users_create(struct call *call);
void users_change(struct call *call);
void users_remove(struct call *call);

void relations_list(struct call *call);
void relations_write(struct call *call);
void relations_delete(struct call *call);
void relations_check(struct call *call);

void sessions_list(struct call *call);
void sessions_delete(struct call *call);
void sessions_end(struct call *call);
void revocations_list(struct call *call);
void revocations_create(struct call *call);
void revocations_delete(struct call *call);

void system_show(struct call *call);
void health_live(struct call *call);
void health_ready(struct call *call);
void metrics_show(struct call *call);
void jwks_show(struct call *call);
void openapi_show(struct call *call);
void policy_schema_show(struct call *call);
void conditions_show(struct call *call);

#endif
