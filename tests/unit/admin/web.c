#include "web.h"

#include "core/clock.h"
#include "core/strbuf.h"
#include "policy/policy.h"
#include "state/admins.h"
#include "support/cmocka_prelude.h"

#include <arpa/inet.h>
#include <ftw.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void on_publish(void *user, struct policy *policy)
{
	struct web *web = user;
	web->last_published = policy_version(policy);
	atomic_fetch_add(&web->n_published, 1);
	policy_unref(policy);
}

static void path_in(const struct web *web, const char *name, char ret[static 96])
{
	snprintf(ret, 96, "%s/%s", web->dir, name);
}

static void open_stores(struct web *web)
{
	char path[96];
	path_in(web, "state", path);
	assert_int_equal(state_open(path, &web->state), 0);
	path_in(web, "audit", path);
	assert_int_equal(audit_store_open(path, AUDIT_STORE_WRITE, UINT64_C(1) << 28, &web->store),
	                 0);
	path_in(web, "journal", path);
	struct audit_journals_options options = {
		.dir = path, .n_workers = 1, .size_bytes = 1 << 20};
	assert_int_equal(audit_journals_open(&options, &web->journals), 0);
	struct audit_writer_options writer = {.store = web->store, .journals = web->journals};
	assert_int_equal(audit_writer_start(&writer, &web->writer), 0);
}

struct admin_deps web_deps(struct web *web, const struct admin_options *options)
{
	return (struct admin_deps){
		.options = options,
		.state = web->state,
		.store = web->store,
		.journal = audit_journals_admin(web->journals),
		.policy_env = &web->env,
		.hooks = {.user = web, .publish = on_publish},
	};
}

int web_setup(void **state)
{
	struct web *web = calloc(1, sizeof(*web));
	snprintf(web->dir, sizeof(web->dir), "/tmp/haward-admin-XXXXXX");
	assert_non_null(mkdtemp(web->dir));
	open_stores(web);
	web->options = (struct admin_options){.listen = strdup("127.0.0.1:0")};
	struct admin_deps deps = web_deps(web, &web->options);
	assert_int_equal(admin_start(&deps, -1, &web->admin), 0);
	*state = web;
	return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int web_teardown(void **state)
{
	struct web *web = *state;
	admin_stop(web->admin);
	audit_writer_stop(web->writer);
	audit_journals_close(web->journals);
	audit_store_close(web->store);
	state_close(web->state);
	free(web->options.listen);
	nftw(web->dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	free(web);
	return 0;
}

static int connect_with(const struct web *web, int receive_bytes)
{
	struct sockaddr_in addr = {.sin_family = AF_INET,
	                           .sin_port = htons(admin_port(web->admin)),
	                           .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	struct timeval timeout = {.tv_sec = 20};
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	assert_true(fd >= 0);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &timeout, sizeof(timeout));
	if (receive_bytes)
		setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &receive_bytes, sizeof(receive_bytes));
	assert_int_equal(connect(fd, (const struct sockaddr *)&addr, sizeof(addr)), 0);
	return fd;
}

static void send_all(int fd, struct sv bytes)
{
	while (bytes.n > 0) {
		ssize_t n = send(fd, bytes.at, bytes.n, MSG_NOSIGNAL);
		if (n <= 0)
			return; /* the server may refuse before it has read all */
		bytes = sv_from(bytes, (size_t)n);
	}
}

static void receive_all(int fd, struct answer *answer)
{
	size_t room = 0;
	for (;;) {
		if (answer->n + 65536 > room) {
			room = room ? room * 2 : 131072;
			answer->text = realloc(answer->text, room);
		}
		ssize_t n = recv(fd, answer->text + answer->n, 65536, 0);
		if (n <= 0)
			return;
		answer->n += (size_t)n;
	}
}

/* Joins chunks onto answer->body; whole when the last one is there. */
static void join_chunks(struct answer *answer, struct sv rest)
{
	while (rest.n > 0) {
		size_t n_line = sv_find(rest, '\r');
		size_t n = strtoul(rest.at, NULL, 16);
		if (n_line == rest.n || rest.n < n_line + 2 + n + 2)
			return;
		rest = sv_from(rest, n_line + 2);
		if (n == 0) {
			answer->whole = true;
			return;
		}
		memcpy(answer->body + answer->n_body, rest.at, n);
		answer->n_body += n;
		rest = sv_from(rest, n + 2);
	}
}

static void take_apart(struct answer *answer)
{
	struct sv all = {answer->text, answer->n};
	size_t at = 0;
	while (at + 4 <= all.n && memcmp(all.at + at, "\r\n\r\n", 4) != 0)
		at++;
	answer->body = calloc(1, answer->n + 1);
	if (at + 4 > all.n)
		return;
	answer->head = sv_first(all, at + 2);
	answer->status = (unsigned)strtoul(all.at + 9, NULL, 10);
	struct sv rest = sv_from(all, at + 4);
	if (answer_header(answer, "Transfer-Encoding").n > 0) {
		join_chunks(answer, rest);
		return;
	}
	memcpy(answer->body, rest.n ? rest.at : "", rest.n);
	answer->n_body = rest.n;
	struct sv length = answer_header(answer, "Content-Length");
	answer->whole = length.n > 0 && strtoul(length.at, NULL, 10) == rest.n;
}

struct answer web_raw(const struct web *web, struct sv request)
{
	struct answer answer = {0};
	int fd = connect_with(web, 0);
	send_all(fd, request);
	receive_all(fd, &answer);
	close(fd);
	take_apart(&answer);
	return answer;
}

struct answer web_ask(const struct web *web, const char *method, const char *target,
                      const char *headers, const char *body)
{
	struct strbuf request = strbuf_with(64U * 1024 * 1024);
	strbuf_addf(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\nConnection: close\r\n%s",
	            method, target, admin_port(web->admin), headers);
	if (body)
		strbuf_addf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
		            strlen(body));
	strbuf_add(&request, SVL("\r\n"));
	if (body)
		strbuf_add(&request, sv_of(body));
	struct answer answer = web_raw(web, strbuf_sv(&request));
	strbuf_fini(&request);
	return answer;
}

int web_send(const struct web *web, const char *method, const char *target, const char *headers)
{
	struct strbuf request = strbuf_with(65536);
	int fd = connect_with(web, 1024);
	strbuf_addf(&request, "%s %s HTTP/1.1\r\nHost: 127.0.0.1:%u\r\n%s\r\n", method, target,
	            admin_port(web->admin), headers);
	send_all(fd, strbuf_sv(&request));
	strbuf_fini(&request);
	return fd;
}

void answer_fini(struct answer *answer)
{
	free(answer->text);
	free(answer->body);
}

struct sv answer_header(const struct answer *answer, const char *name)
{
	struct sv rest = answer->head;
	while (rest.n > 0) {
		struct sv line = sv_first(rest, sv_find(rest, '\r'));
		rest = sv_from(rest, line.n + 2);
		size_t colon = sv_find(line, ':');
		if (colon < line.n && sv_eq_ci(sv_first(line, colon), sv_of(name)))
			return sv_trim(sv_from(line, colon + 1));
	}
	return (struct sv){0};
}

json_t *answer_json(const struct answer *answer)
{
	json_t *json = json_loadb(answer->body, answer->n_body, 0, NULL);
	if (!json)
		fail_msg("no JSON: %u %.*s", answer->status, (int)answer->n_body, answer->body);
	return json;
}

struct login web_account(const struct web *web, const char *name, uint32_t roles)
{
	struct login login;
	struct state_admin account = {.roles = roles, .created_us = clock_real_us()};
	char body[200];
	snprintf(account.name, sizeof(account.name), "%s", name);
	assert_int_equal(password_hash(sv_of(WEB_PASSWORD), account.phc), 0);
	assert_int_equal(state_admin_add(web->state, &account), 0);
	snprintf(body, sizeof(body), "{\"username\":\"%s\",\"password\":\"" WEB_PASSWORD "\"}",
	         name);
	struct answer answer = web_ask(web, "POST", "/api/v1/session", "", body);
	assert_int_equal(answer.status, 201);
	struct sv cookie = answer_header(&answer, "Set-Cookie");
	json_t *json = answer_json(&answer);
	snprintf(login.safe, sizeof(login.safe), "Cookie: %.*s\r\n", (int)sv_find(cookie, ';'),
	         cookie.at);
	snprintf(login.unsafe, sizeof(login.unsafe), "%sX-CSRF: %s\r\n", login.safe,
	         json_string_value(json_object_get(json, "csrf")));
	json_decref(json);
	answer_fini(&answer);
	return login;
}
