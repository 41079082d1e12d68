#include "fetch/transfer.h"

#include "core/secret.h"

#include <stdio.h>

static size_t on_body(char *bytes, size_t size, size_t n, void *user)
{
	struct transfer *t = user;
	strbuf_add(&t->body, (struct sv){bytes, size * n});
	return t->body.failed ? 0 : size * n; /* anything else than all ends the transfer */
}

/* source: RFC 9111 5.2.2.1; only max-age is looked at */
static void read_cache_control(struct transfer *t, struct sv value)
{
	struct sv directive;
	while (sv_cut(&value, ',', &directive)) {
		unsigned long long age;
		directive = sv_trim(directive);
		while (directive.n && (directive.at[directive.n - 1] == '\r' ||
		                       directive.at[directive.n - 1] == '\n'))
			directive.n--;
		if (sv_starts_ci(directive, SVL("max-age=")) &&
		    sv_to_u64(sv_from(directive, 8), &age))
			t->max_age_s = age > TRANSFER_AGE_MAX_S ? TRANSFER_AGE_MAX_S : (long)age;
	}
}

static size_t on_header(char *bytes, size_t size, size_t n, void *user)
{
	struct sv line = sv_trim((struct sv){bytes, size * n});
	size_t colon = sv_find(line, ':');
	if (sv_eq_ci(sv_first(line, colon), SVL("cache-control")))
		read_cache_control(user, sv_from(line, colon + 1));
	return size * n;
}

static CURLcode set_request(CURL *easy, const struct transfer_request *request)
{
	CURLcode r = curl_easy_setopt(easy, CURLOPT_URL, request->url);
	if (request->headers)
		r |= curl_easy_setopt(easy, CURLOPT_HTTPHEADER, request->headers);
	if (request->form.n == 0)
		return r;
	r |= curl_easy_setopt(easy, CURLOPT_POST, 1L);
	r |= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE, (long)request->form.n);
	r |= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, request->form.at); /* not copied */
	return r;
}

static bool set_options(struct transfer *t, const struct transfer_request *request,
                        const struct transfer_options *options)
{
	CURL *easy = t->easy;
	unsigned timeout_ms = request->timeout_ms ? request->timeout_ms : options->timeout_ms;
	CURLcode r = set_request(easy, request);
	r |= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body);
	r |= curl_easy_setopt(easy, CURLOPT_WRITEDATA, t);
	r |= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_header);
	r |= curl_easy_setopt(easy, CURLOPT_HEADERDATA, t);
	r |= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, t->curl_error);
	r |= curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L);
	r |= curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
	r |= curl_easy_setopt(easy, CURLOPT_PROXY, "");
	r |= curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L);
	r |= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, (long)timeout_ms);
	r |= curl_easy_setopt(easy, CURLOPT_MAXFILESIZE, (long)FETCH_BODY_MAX_BYTES);
	r |= curl_easy_setopt(easy, CURLOPT_USERAGENT, "haward");
	/* a name server that does not answer holds up neither our end nor other documents */
	r |= curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
	if (options->ca_file)
		r |= curl_easy_setopt(easy, CURLOPT_CAINFO, options->ca_file);
	return r == CURLE_OK;
}

bool transfer_begin(struct transfer *t, CURLM *multi, const struct transfer_request *request,
                    const struct transfer_options *options)
{
	t->body = strbuf_with(FETCH_BODY_MAX_BYTES);
	t->curl_error[0] = '\0';
	t->max_age_s = -1;
	t->easy = curl_easy_init();
	if (t->easy && set_options(t, request, options) &&
	    curl_easy_setopt(t->easy, CURLOPT_PRIVATE, t) == CURLE_OK &&
	    curl_multi_add_handle(multi, t->easy) == CURLM_OK)
		return true;
	curl_easy_cleanup(TAKE(t->easy));
	return false;
}

void transfer_done(void *transfer, CURLcode code)
{
	struct transfer *t = transfer;
	t->done(t->user, code);
}

void transfer_result(struct transfer *t, CURLcode code, struct fetch_result *ret)
{
	const char *type = NULL;
	*ret = (struct fetch_result){.error = t->error};
	(void)curl_easy_getinfo(t->easy, CURLINFO_CONTENT_TYPE, &type);
	ret->type = sv_of(type);
	t->error[0] = '\0';
	(void)curl_easy_getinfo(t->easy, CURLINFO_RESPONSE_CODE, &ret->status);
	if (t->body.failed)
		(void)snprintf(t->error, sizeof(t->error), "the answer is larger than %d bytes",
		               FETCH_BODY_MAX_BYTES);
	else if (code != CURLE_OK)
		(void)snprintf(t->error, sizeof(t->error), "%.200s",
		               t->curl_error[0] ? t->curl_error : curl_easy_strerror(code));
	else if (ret->status != 200)
		(void)snprintf(t->error, sizeof(t->error), "the answer has status %ld",
		               ret->status);
	ret->ok = t->error[0] == '\0';
	if (ret->ok)
		ret->body = strbuf_sv(&t->body);
}

void transfer_end(struct transfer *t, CURLM *multi)
{
	if (t->easy) {
		(void)curl_multi_remove_handle(multi, t->easy);
		curl_easy_cleanup(TAKE(t->easy));
	}
	secret_wipe(t->body.at, t->body.room);
	strbuf_fini(&t->body);
}
