/* Where a request goes: the normal forms of its path and host, and the service. */
#include "authz/locate.h"

#include "authz/service.h"
#include "authz/set.h"
#include "model/identity.h"
#include "model/request.h"
#include "model/verdict.h"

bool authz_refuse(struct verdict *verdict, enum reason reason, struct sv condition, struct sv value,
                  const char *expected)
{
	struct sv service = verdict->service;
	struct sv path = verdict->path;
	*verdict = verdict_deny(reason);
	verdict->service = service;
	verdict->path = path;
	verdict->why[0] =
		(struct why){.condition = condition, .value = value, .expected = sv_of(expected)};
	verdict->n_why = 1;
	return false;
}

struct authz_view authz_view_of(const struct authz_target *target, const struct request *request,
                                const struct identity *who, struct arena *scratch)
{
	return (struct authz_view){.request = request,
	                           .who = who,
	                           .path = target->path.normal,
	                           .host = target->host,
	                           .now_s = target->now_s,
	                           .unknown_grants = target->unknown_grants,
	                           .scratch = scratch};
}

static void add_reading(struct authz_target *ret, struct sv path, const char *why)
{
	ret->others[ret->n_others++] = (struct authz_reading){.path = path, .why = why};
}

/* Of the path as one mode takes it: the other forms that have to be judged alike. */
static void add_readings(enum authz_path_mode mode, struct authz_target *ret)
{
	ret->n_others = 0;
	if (ret->path.differs && mode == AUTHZ_PATH_STRICT)
		add_reading(ret, ret->path.written,
		            "one reading: the normal form is judged differently");
	else if (ret->path.differs)
		add_reading(ret, ret->path.written,
		            "one reading: with its escapes in upper case it is judged differently");
	if (ret->path.has_parameters)
		add_reading(ret, ret->path.bare,
		            "one reading: with its parameters it is judged differently");
}

/* One mode, one way to the service. */
struct locating {
	const struct authz *authz;
	const struct request *request;
	struct arena *scratch;
	struct sv raw; /* the path without its query */
	bool failed;   /* memory is out */
};

/* errors: false: *ret_why, a static text, says what was refused */
static bool read_path(struct locating *l, enum authz_path_mode mode, struct authz_target *ret,
                      const char **ret_why)
{
	if (l->raw.n == 0)
		return true;
	if (authz_path_is_asterisk(l->request->method, l->raw)) {
		ret->path =
			(struct authz_path){.normal = l->raw, .written = l->raw, .bare = l->raw};
		return true;
	}
	if (!authz_path_normalise_as(mode, l->raw, l->scratch, &ret->path, ret_why))
		return false;
	add_readings(mode, ret);
	return true;
}

/* The one way that is known to the service. */
static bool take_path(struct locating *l, enum authz_path_mode mode, struct authz_target *ret,
                      struct verdict *verdict)
{
	const char *why = "";
	if (!read_path(l, mode, ret, &why))
		return authz_refuse(verdict, REASON_AMBIGUOUS_PATH, SVL("path"), l->raw, why);
	verdict->path = ret->path.normal;
	return true;
}

static const struct authz_service *service_at(struct locating *l, const struct authz_target *at,
                                              struct sv path)
{
	static const struct identity nobody;
	struct authz_view view = authz_view_of(at, l->request, &nobody, l->scratch);
	view.path = path;
	return authz_services_find(l->authz->services, &view, &l->failed);
}

/* By path: how it is read tells the service, and the service how it is read. */
static void find_service(struct locating *l, struct authz_target *ret)
{
	ret->service = service_at(l, ret, ret->path.normal);
	for (size_t i = 0; i < ret->n_others; i++)
		ret->others[i].service = service_at(l, ret, ret->others[i].path);
}

static bool take_named(struct locating *l, struct authz_target *ret, struct verdict *verdict)
{
	const struct authz_service *named =
		authz_services_named(l->authz->services, l->request->service);
	if (!named)
		return authz_refuse(verdict, REASON_UNKNOWN_SERVICE, SVL("service"),
		                    l->request->service, "a service of the policy set");
	if (!take_path(l, named->path_mode, ret, verdict))
		return false;
	ret->service = named;
	for (size_t i = 0; i < ret->n_others; i++)
		ret->others[i].service = named;
	return true;
}

/* What the modes of the set's services have made of the path so far. */
struct found {
	struct authz_target target; /* its service is NULL until one is found */
	struct sv path;             /* to be told */
	const char *why;            /* a mode refused it: says more than that no service is found */
	bool doubled;               /* two services, each by its own reading */
};

/* A service counts where the path, read as the service reads it, leads to it. */
static void try_mode(struct locating *l, enum authz_path_mode mode, struct found *found)
{
	struct authz_target target = {.host = found->target.host};
	bool is_open = !found->target.service && !found->why;
	const char *why = "";
	if (!read_path(l, mode, &target, &why)) {
		found->why = is_open ? why : found->why;
		found->path = is_open ? l->raw : found->path;
		return;
	}
	find_service(l, &target);
	bool is_its = target.service && target.service->path_mode == mode;
	if (is_its || is_open)
		found->path = target.path.normal;
	if (!is_its)
		return;
	found->doubled = found->doubled || found->target.service;
	found->target = target;
}

static bool take_found(struct locating *l, struct authz_target *ret, struct verdict *verdict)
{
	unsigned modes = authz_services_path_modes(l->authz->services);
	struct found found = {.target = *ret, .path = verdict->path};
	for (unsigned mode = 0; mode < AUTHZ_PATH_MODE_COUNT; mode++)
		if (modes >> mode & 1)
			try_mode(l, (enum authz_path_mode)mode, &found);
	*ret = found.target;
	verdict->path = found.path;
	if (l->failed)
		return authz_refuse(verdict, REASON_OVERLOADED, SVL("memory"), SVL(""), "");
	if (found.doubled)
		return authz_refuse(verdict, REASON_AMBIGUOUS_PATH, SVL("path"), l->raw,
		                    "one service: as another one reads paths, it leads there");
	if (ret->service)
		return true;
	if (found.why)
		return authz_refuse(verdict, REASON_AMBIGUOUS_PATH, SVL("path"), l->raw, found.why);
	return authz_refuse(verdict, REASON_NO_SERVICE, SVL("host"), ret->host,
	                    "a service with this host and path");
}

static bool locate_service(struct locating *l, struct authz_target *ret, struct verdict *verdict)
{
	if (authz_services_count(l->authz->services) == 0) {
		verdict->service = l->request->service;
		return take_path(l, l->authz->path_mode, ret, verdict);
	}
	bool good = l->request->service.n > 0 ? take_named(l, ret, verdict)
	                                      : take_found(l, ret, verdict);
	if (good)
		verdict->service = ret->service->name;
	return good;
}

/* source: RFC 9110 9.1: methods are case-sensitive; some servers do not know */
static bool is_misspelt_method(struct sv method)
{
	static const struct sv known[] = {SV("GET"),     SV("HEAD"),    SV("POST"),
	                                  SV("PUT"),     SV("PATCH"),   SV("DELETE"),
	                                  SV("OPTIONS"), SV("CONNECT"), SV("TRACE")};
	for (size_t i = 0; i < ARRAY_LEN(known); i++)
		if (sv_eq_ci(method, known[i]))
			return !sv_eq(method, known[i]);
	return false;
}

bool authz_locate(const struct authz *authz, const struct request *request, struct arena *scratch,
                  struct authz_target *ret, struct verdict *ret_verdict)
{
	*ret = (struct authz_target){0};
	*ret_verdict = verdict_deny(REASON_INTERNAL);
	if (request->bad)
		return authz_refuse(ret_verdict, REASON_BAD_REQUEST, SVL("message"), SVL(""),
		                    "the arguments of the contract");
	struct locating l = {.authz = authz, .request = request, .scratch = scratch};
	if (request->kind == REQUEST_HTTP)
		l.raw = sv_first(request->path, sv_find(request->path, '?'));
	ret_verdict->path = l.raw;
	if (request->kind == REQUEST_HTTP && is_misspelt_method(request->method))
		return authz_refuse(ret_verdict, REASON_BAD_REQUEST, SVL("method"), request->method,
		                    "a method as HTTP spells it");
	if (request->host.n > 0 && !authz_host_normalise(request->host, &ret->host))
		return authz_refuse(ret_verdict, REASON_BAD_REQUEST, SVL("host"), request->host,
		                    "a host name or address");
	return locate_service(&l, ret, ret_verdict);
}

struct sv authz_login(const struct authz_target *target)
{
	return target->service ? target->service->login : (struct sv){0};
}
