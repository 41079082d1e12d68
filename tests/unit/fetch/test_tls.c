/* https: a document is taken from whom the CA vouches for under the name that was asked for, and from nobody else. */
#include "core/macros.h"
#include "fetch/fetch.h"
#include "site.h"

#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

enum { PATIENCE_MS = 10000, HOUR = 3600 };

/* ---- certificates ---- */

struct signer {
	EVP_PKEY *key;
	X509 *cert;
};

static void extend(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	assert_non_null(extension);
	assert_int_equal(X509_add_ext(cert, extension, -1), 1);
	X509_EXTENSION_free(extension);
}

/* by NULL: signs itself; names NULL: a CA */
static struct signer certificate(const struct signer *by, const char *names, long from_s, long to_s)
{
	static long serial;
	struct signer s = {EVP_PKEY_Q_keygen(NULL, NULL, "EC", "P-256"), X509_new()};
	assert_true(s.key && s.cert);
	X509_NAME *subject = X509_get_subject_name(s.cert);
	assert_int_equal(X509_set_version(s.cert, 2), 1);
	ASN1_INTEGER_set(X509_get_serialNumber(s.cert), ++serial);
	assert_non_null(X509_gmtime_adj(X509_getm_notBefore(s.cert), from_s));
	assert_non_null(X509_gmtime_adj(X509_getm_notAfter(s.cert), to_s));
	assert_int_equal(X509_set_pubkey(s.cert, s.key), 1);
	assert_int_equal(X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_ASC,
	                                            (const unsigned char *)(names ? "idp" : "ca"),
	                                            -1, -1, 0),
	                 1);
	assert_int_equal(
		X509_set_issuer_name(s.cert, by ? X509_get_subject_name(by->cert) : subject), 1);
	extend(s.cert, NID_basic_constraints, names ? "critical,CA:FALSE" : "critical,CA:TRUE");
	extend(s.cert, NID_key_usage, names ? "critical,digitalSignature" : "critical,keyCertSign");
	if (names)
		extend(s.cert, NID_subject_alt_name, names);
	assert_true(X509_sign(s.cert, by ? by->key : s.key, EVP_sha256()) > 0);
	return s;
}

static void signer_free(struct signer *s)
{
	EVP_PKEY_free(s->key);
	X509_free(s->cert);
}

/* ---- the other side ---- */

static SSL_CTX *server_tls;

static void serve_tls(struct site *site, int fd)
{
	char request[2048];
	struct pollfd readable = {.fd = fd, .events = POLLIN};
	SSL *tls = SSL_new(server_tls);
	if (tls && poll(&readable, 1, 1000) == 1 && SSL_set_fd(tls, fd) == 1 &&
	    SSL_accept(tls) == 1 && SSL_read(tls, request, sizeof(request)) > 0) {
		const char *answer = atomic_load(&site->answer);
		atomic_fetch_add(&site->n_requests, 1);
		(void)SSL_write(tls, answer, (int)strlen(answer));
		(void)SSL_shutdown(tls);
	}
	SSL_free(tls);
}

static void use_certificate(const struct signer *s)
{
	server_tls = SSL_CTX_new(TLS_server_method());
	assert_non_null(server_tls);
	assert_int_equal(SSL_CTX_use_certificate(server_tls, s->cert), 1);
	assert_int_equal(SSL_CTX_use_PrivateKey(server_tls, s->key), 1);
}

/* ---- our side ---- */

struct seen {
	atomic_uint n, n_ok;
	char error[256];
};

static bool on_done(void *user, const struct fetch_result *result)
{
	struct seen *seen = user;
	if (atomic_load(&seen->n) == 0)
		snprintf(seen->error, sizeof(seen->error), "%s", result->error);
	atomic_fetch_add(&seen->n_ok, result->ok);
	atomic_fetch_add(&seen->n, 1);
	return result->ok;
}

static const char document[] =
	"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\n{}";

/* One try at host; what became of it stands in *seen. */
static void try_once(const char *host, const char *ca_file, struct site *site, struct seen *seen)
{
	const struct fetch_options options = {.ca_file = ca_file, .timeout_ms = 3000};
	struct fetch *fetch;
	struct fetch_watch *watch;
	char url[64];
	*seen = (struct seen){0};
	site_open(site, document, serve_tls);
	snprintf(url, sizeof(url), "https://%s:%u/keys", host, site->port);
	assert_int_equal(fetch_start(&options, &fetch), 0);
	assert_int_equal(fetch_watch_add(fetch, url, on_done, seen, &watch), 0);
	for (int i = 0; i < PATIENCE_MS && atomic_load(&seen->n) == 0; i++)
		usleep(1000);
	fetch_stop(fetch);
	site_close(site);
	assert_true(atomic_load(&seen->n) > 0);
}

static struct signer ca, other_ca;
static char ca_file[] = "/tmp/haward-ca-XXXXXX";

static int make_cas(void **state)
{
	(void)state;
	(void)signal(SIGPIPE, SIG_IGN); /* of SSL_write(), when we hang up */
	ca = certificate(NULL, NULL, -HOUR, HOUR);
	other_ca = certificate(NULL, NULL, -HOUR, HOUR);
	int fd = mkstemp(ca_file);
	FILE *file = fd >= 0 ? fdopen(fd, "w") : NULL;
	return file && PEM_write_X509(file, ca.cert) == 1 && fclose(file) == 0 ? 0 : -1;
}

static int free_cas(void **state)
{
	(void)state;
	signer_free(&ca);
	signer_free(&other_ca);
	return unlink(ca_file);
}

static const struct {
	const char *what, *names, *host;
	const struct signer *by;
	long from_s, to_s;
	bool with_ca, good;
} rows[] = {
	{"the CA's word for the address", "IP:127.0.0.1", "127.0.0.1", &ca, -HOUR, HOUR, true,
         true},
	{"one of several names", "DNS:idp.test,IP:127.0.0.1", "127.0.0.1", &ca, -HOUR, HOUR, true,
         true},
	{"nobody's CA", "IP:127.0.0.1", "127.0.0.1", &ca, -HOUR, HOUR, false, false},
	{"another CA of the same name", "IP:127.0.0.1", "127.0.0.1", &other_ca, -HOUR, HOUR, true,
         false},
	{"its own word", "IP:127.0.0.1", "127.0.0.1", NULL, -HOUR, HOUR, true, false},
	{"another address", "IP:127.0.0.2", "127.0.0.1", &ca, -HOUR, HOUR, true, false},
	{"a name, not the address", "DNS:idp.test", "127.0.0.1", &ca, -HOUR, HOUR, true, false},
	{"the address spelt as a name", "DNS:127.0.0.1", "127.0.0.1", &ca, -HOUR, HOUR, true,
         false},
	{"expired", "IP:127.0.0.1", "127.0.0.1", &ca, -HOUR, -1, true, false},
	{"not yet valid", "IP:127.0.0.1", "127.0.0.1", &ca, HOUR, 2 * HOUR, true, false},
};

static void only_whom_the_ca_vouches_for(void **state)
{
	static struct site site;
	(void)state;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct seen seen;
		struct signer leaf =
			certificate(rows[i].by, rows[i].names, rows[i].from_s, rows[i].to_s);
		use_certificate(&leaf);
		try_once(rows[i].host, rows[i].with_ca ? ca_file : NULL, &site, &seen);
		if ((atomic_load(&seen.n_ok) > 0) != rows[i].good)
			print_error("%s: %s\n", rows[i].what, seen.error);
		assert_int_equal(atomic_load(&seen.n_ok) > 0, rows[i].good);
		assert_int_equal(seen.error[0] == '\0', rows[i].good); /* a sentence if not */
		/* what we ask for is not said before we know to whom */
		assert_int_equal(atomic_load(&site.n_requests) > 0, rows[i].good);
		SSL_CTX_free(server_tls);
		signer_free(&leaf);
	}
}

/* A bundle that is missing is an error of every try, and not a reason to trust anybody. */
static void without_its_bundle_nobody_is_trusted(void **state)
{
	static struct site site;
	struct seen seen;
	struct signer leaf = certificate(&ca, "IP:127.0.0.1", -HOUR, HOUR);
	(void)state;
	use_certificate(&leaf);
	try_once("127.0.0.1", "/nonexistent/ca.pem", &site, &seen);
	assert_int_equal(atomic_load(&seen.n_ok), 0);
	assert_true(seen.error[0]);
	SSL_CTX_free(server_tls);
	signer_free(&leaf);
}

static void no_tls_is_no_answer(void **state)
{
	static struct site site;
	const struct fetch_options options = {.timeout_ms = 1000};
	struct fetch *fetch;
	struct fetch_watch *watch;
	struct seen seen = {0};
	char url[64];
	(void)state;
	site_open(&site, document, site_serve_plain);
	snprintf(url, sizeof(url), "https://127.0.0.1:%u/keys", site.port);
	assert_int_equal(fetch_start(&options, &fetch), 0);
	assert_int_equal(fetch_watch_add(fetch, url, on_done, &seen, &watch), 0);
	for (int i = 0; i < PATIENCE_MS && atomic_load(&seen.n) == 0; i++)
		usleep(1000);
	fetch_stop(fetch);
	site_close(&site);
	assert_int_equal(atomic_load(&seen.n_ok), 0);
	assert_true(seen.error[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(only_whom_the_ca_vouches_for),
		cmocka_unit_test(without_its_bundle_nobody_is_trusted),
		cmocka_unit_test(no_tls_is_no_answer),
	};
	return cmocka_run_group_tests(tests, make_cas, free_cas);
}
