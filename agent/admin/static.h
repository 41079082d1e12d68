#ifndef ADMIN_STATIC_H
#define ADMIN_STATIC_H

struct call;

/* static_serve - answer with a file of the dashboard, the dashboard's page for a browser that asks for a
 * path of its own, or 404. For paths that no route knows. */
void static_serve(struct call *call);

#endif
