#include "model/request.h"

const char *const request_kind_names[REQUEST_KIND_COUNT] = {
	[REQUEST_HTTP] = "request",
	[REQUEST_CONNECT] = "connection",
};
