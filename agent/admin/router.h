#ifndef ADMIN_ROUTER_H
#define ADMIN_ROUTER_H

#include "core/macros.h"
#include "core/sv.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct call;

/* Anybody may call it, signed in or not. A bit that no account can hold. */
#define ROUTE_PUBLIC (1U << 31)

enum route_lane {
	ROUTE_INLINE = 0, /* on the HTTP thread: memory only */
	ROUTE_WORK,       /* reads or writes a store */
	ROUTE_HASH,       /* hashes a password */
};

/* One operation. A row without a role is a row nobody may call: route_allows() is the only judge. */
struct route {
	const char *method; /* HEAD reads as GET */
	const char *path;   /* one {part} at the end stands for a segment */
	uint32_t role;      /* state/roles.h; 0 = nobody */
	enum route_lane lane;
	const char *params;  /* the query parameters it takes, blank between; NULL = none */
	const char *members; /* the members its JSON body may have; NULL = no body */
	size_t body_max;     /* bytes; 0 = no body */
	void (*handler)(struct call *call);
};

/* route_find - the row for method and path.
 *
 * out     *ret_param: what stood for {part}
 *         allow: when the path is known but not the method, the methods it has, "GET, POST"; else ""
 * returns NULL when there is none
 */
const struct route *route_find(const char *method, struct sv path, struct sv *ret_param,
                               char *allow, size_t n_allow);

/* route_allows - may somebody with these effective roles call it? */
bool route_allows(const struct route *route, uint32_t roles);

/* route_at - the i-th row, NULL behind the last: for the contract test. */
const struct route *route_at(size_t i);

#endif
