#include "model/reason.h"

#include <assert.h>

struct row {
	const char *name;
	const char *text;
};

static const struct row rows[] = {
	[REASON_INTERNAL] = {"internal", "the agent could not decide; see its log"},
	[REASON_POLICY_ALLOWED] = {"policy_allowed", "a policy allows this"},
	[REASON_DEFAULT_ALLOWED] = {"default_allowed",
                                    "the default action of this service is ALLOW"},
	[REASON_POLICY_DENIED] = {"policy_denied", "a DENY policy matched"},
	[REASON_NO_POLICY_MATCHED] = {"no_policy_matched", "no ALLOW policy matched"},
	[REASON_AUTHENTICATION_REQUIRED] =
		{"authentication_required",
                 "nobody is signed in, and a credential could change that"},
	[REASON_STEP_UP_REQUIRED] =
		{"step_up_required",
                 "a policy asks for a stronger or a more recent sign-in than the token tells of"},
	[REASON_UNKNOWN_SERVICE] = {"unknown_service",
                                    "HAProxy named a service that the policy set does not have"},
	[REASON_NO_SERVICE] = {"no_service", "no service has this host and path"},
	[REASON_BAD_REQUEST] = {"bad_request", "HAProxy's message could not be read"},
	[REASON_AMBIGUOUS_PATH] =
		{"ambiguous_path",
                 "the path can be read in two ways that would be judged differently"},
	[REASON_AUDIT_UNAVAILABLE] =
		{"audit_unavailable",
                 "the audit trail cannot take the record, so nothing is allowed"},
	[REASON_OVERLOADED] = {"overloaded", "the agent has more to do than it may hold"},
	[REASON_API_KEYS_UNAVAILABLE] = {"api_keys_unavailable",
                                         "API keys cannot be judged here and now"},
	[REASON_REVOCATIONS_UNAVAILABLE] =
		{"revocations_unavailable",
                 "what is revoked could not be read, so no credential is believed"},
	[REASON_TOKEN_UNAVAILABLE] =
		{"token_unavailable",
                 "the service asks for an internal token and none could be made"},
	[REASON_AUTHENTICATION_TIMEOUT] =
		{"authentication_timeout",
                 "the credential could not be checked within spop.deadline_ms"},
	[REASON_AUTHENTICATION_UNAVAILABLE] = {"authentication_unavailable",
                                               "the credential cannot be checked here and now"},
	[REASON_INTROSPECTION_UNAVAILABLE] =
		{"introspection_unavailable",
                 "the issuer's introspection endpoint gave no usable answer"},
	[REASON_MULTIPLE_CREDENTIALS] = {"multiple_credentials",
                                         "the request carries more than one credential"},
	[REASON_UNSUPPORTED_CREDENTIAL] = {"unsupported_credential",
                                           "the Authorization scheme is not one the agent accepts"},
	[REASON_TOKEN_MALFORMED] = {"token_malformed", "the token is not a JWT in compact form"},
	[REASON_TOKEN_TOO_LARGE] = {"token_too_large", "the token is larger than 16 KiB"},
	[REASON_TOKEN_HEADER] = {"token_header", "the token's header is not acceptable"},
	[REASON_TOKEN_CRITICAL_HEADER] = {"token_critical_header",
                                          "the token demands an extension that is not supported"},
	[REASON_TOKEN_TYPE] = {"token_type", "the token is of another kind than this issuer's are"},
	[REASON_TOKEN_LOCATION] = {"token_location",
                                   "the token does not stand where this issuer's tokens may"},
	[REASON_TOKEN_CLAIMS] = {"token_claims", "a registered claim is missing or malformed"},
	[REASON_ALGORITHM_NOT_ALLOWED] = {"algorithm_not_allowed",
                                          "the token's algorithm is not the key's or the issuer's"},
	[REASON_ISSUER_UNKNOWN] = {"issuer_unknown", "the policy set has no such issuer"},
	[REASON_KEY_UNKNOWN] = {"key_unknown",
                                "the issuer has no key of this kid; keys are fetched again"},
	[REASON_KEYS_UNAVAILABLE] = {"keys_unavailable",
                                     "the issuer's keys have not been fetched yet"},
	[REASON_SIGNATURE_INVALID] = {"signature_invalid", "the signature is not good"},
	[REASON_TOKEN_EXPIRED] = {"token_expired", "the token has expired"},
	[REASON_TOKEN_NOT_YET_VALID] = {"token_not_yet_valid", "the token is not valid yet"},
	[REASON_TOKEN_LIFETIME] = {"token_lifetime",
                                   "the token lives longer than the issuer may grant"},
	[REASON_TOKEN_INACTIVE] = {"token_inactive",
                                   "the issuer says that the token is not active"},
	[REASON_TOKEN_REVOKED] = {"token_revoked", "the token, or what it hangs on, was revoked"},
	[REASON_AUDIENCE_MISMATCH] = {"audience_mismatch",
                                      "the token is meant for another audience"},
	[REASON_TOKEN_BINDING_MISSING] =
		{"token_binding_missing",
                 "the token has to be bound to what its holder can show, and is not"},
	[REASON_TOKEN_BINDING_UNSUPPORTED] =
		{"token_binding_unsupported",
                 "the token is bound to something that the agent cannot check"},
	[REASON_TOKEN_BINDING_MISMATCH] = {"token_binding_mismatch",
                                           "the token is bound to another certificate or key"},
	[REASON_CERTIFICATE_REQUIRED] =
		{"certificate_required",
                 "the token is bound to a client certificate, and none was shown"},
	[REASON_DPOP_REQUIRED] =
		{"dpop_required",
                 "the token is bound to a key: it goes with the scheme DPoP and one proof"},
	[REASON_DPOP_MALFORMED] = {"dpop_malformed", "the DPoP proof is not well formed"},
	[REASON_DPOP_MISMATCH] = {"dpop_mismatch",
                                  "the DPoP proof was made for another request or token"},
	[REASON_DPOP_EXPIRED] = {"dpop_expired",
                                 "the DPoP proof was made too long ago, or is dated ahead"},
	[REASON_DPOP_SIGNATURE_INVALID] = {"dpop_signature_invalid",
                                           "the signature of the DPoP proof is not good"},
	[REASON_DPOP_REPLAYED] = {"dpop_replayed", "the DPoP proof was shown before"},
	[REASON_DPOP_NONCE] = {"dpop_nonce",
                               "the DPoP proof has to hold the nonce that the answer carries"},
	[REASON_API_KEY_MALFORMED] = {"api_key_malformed", "the API key is incomplete or mistyped"},
	[REASON_API_KEY_UNKNOWN] = {"api_key_unknown", "there is no such API key"},
	[REASON_API_KEY_EXPIRED] = {"api_key_expired", "the API key has expired"},
	[REASON_API_KEY_REVOKED] = {"api_key_revoked", "the API key was revoked"},
	[REASON_API_KEY_DISABLED] = {"api_key_disabled", "the API key is disabled for now"},
	[REASON_CREDENTIAL_MALFORMED] = {"credential_malformed",
                                         "the credential is not of its scheme's form"},
	[REASON_PASSWORD_WRONG] = {"password_wrong",
                                   "there is no such user, or the password is another"},
	[REASON_THROTTLED] = {"throttled", "too many wrong passwords; wait before the next try"},
	[REASON_CERTIFICATE_INVALID] = {"certificate_invalid",
                                        "the client certificate is not acceptable"},
	[REASON_CERTIFICATE_EXPIRED] = {"certificate_expired",
                                        "the client certificate has expired or is not valid yet"},
	[REASON_FORWARDED_CERTIFICATE] =
		{"forwarded_certificate",
                 "what a trusted proxy says of the client's certificate cannot be read"},
	[REASON_CERTIFICATE_UNTRUSTED] =
		{"certificate_untrusted",
                 "the client certificate does not chain to its trust domain's bundle"},
	[REASON_TRUST_DOMAIN_UNKNOWN] = {"trust_domain_unknown",
                                         "the policy set has no such trust domain"},
	[REASON_TRUST_BUNDLE_UNAVAILABLE] = {"trust_bundle_unavailable",
                                             "the trust domain's bundle has not been fetched yet"},
	[REASON_SPIFFE_ID_INVALID] = {"spiffe_id_invalid",
                                      "the certificate's SPIFFE ID or SVID is not well formed"},
	[REASON_API_KEY_NETWORK] = {"api_key_network",
                                    "the API key may not be used from this address"},
	[REASON_API_KEY_SERVICE] = {"api_key_service",
                                    "the API key may not be used for this service"},
	[REASON_INSUFFICIENT_SCOPE] = {"insufficient_scope",
                                       "the token has not every scope that its issuer's must have"},
	[REASON_QUOTA_EXCEEDED] =
		{"quota_exceeded",
                 "a quota of the policy set is used up; wait for the next period"},
	[REASON_RATE_LIMITED] = {"rate_limited",
                                 "a limit of the policy set is reached; wait before the next try"},
	[REASON_LOGIN_REQUIRED] =
		{"login_required",
                 "nobody is signed in, and this service has a way to sign in with a browser"},
	[REASON_SESSION_EXPIRED] = {"session_expired", "the session of this browser has ended"},
	[REASON_LOGIN_STATE_INVALID] =
		{"login_state_invalid",
                 "this browser was not sent to sign in here, or too long ago"},
	[REASON_LOGIN_REFUSED] = {"login_refused", "the provider says that nobody signed in"},
	[REASON_LOGIN_CODE_REFUSED] = {"login_code_refused",
                                       "the provider gave no acceptable tokens for the code"},
	[REASON_STEP_UP_NOT_MET] = {"step_up_not_met",
                                    "the provider did not sign the user in as a policy asks for"},
	[REASON_LOGIN_PROVIDER_UNAVAILABLE] = {"login_provider_unavailable",
                                               "the provider gave no usable answer"},
	[REASON_LOGIN_ENDPOINTS_UNKNOWN] =
		{"login_endpoints_unknown",
                 "where people sign in is not known yet: the issuer's document is asked again"},
	[REASON_LOGIN_OVERLOADED] =
		{"login_overloaded",
                 "as many codes are being changed at the provider as may be at once"},
	[REASON_LOGOUT_REFUSED] = {"logout_refused", "the wish to sign out came from another site, "
                                                     "or its logout token is not acceptable"},
	[REASON_LOGIN_DONE] = {"login_done", "somebody signed in"},
	[REASON_LOGOUT_DONE] = {"logout_done", "a session was ended"},
};
static_assert(ARRAY_LEN(rows) == REASON_COUNT, "one row a reason");

const char *reason_name(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT && rows[reason].name ? rows[reason].name : "?";
}

const char *reason_text(enum reason reason)
{
	return (unsigned)reason < REASON_COUNT && rows[reason].text ? rows[reason].text : "?";
}

bool reason_find(struct sv name, enum reason *ret)
{
	for (unsigned i = 0; i < REASON_COUNT; i++) {
		if (!rows[i].name || !sv_eq(sv_of(rows[i].name), name))
			continue;
		*ret = (enum reason)i;
		return true;
	}
	return false;
}
