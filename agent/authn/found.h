/* What looking for one field of a name comes to: in header fields, cookies, a query. */
#ifndef AUTHN_FOUND_H
#define AUTHN_FOUND_H

/* Of the first two the request is refused. */
enum found {
	FOUND_BROKEN, /* it cannot be read */
	FOUND_TWICE,
	FOUND_NONE,
	FOUND_ONE,
};

#endif
