/* Pebble's surface, as data: what its users' test suites match. */
#include "acme/surface.h"

#include <pthread.h>
#include <stdio.h>

/* See struct retold. */
#define SAYS(type_, status_, text_) { .type = (type_), .status = (status_), .text = (text_) }

/* Paths were chosen there to be unlike any other server's, so that clients read the directory. */
const struct surface surface_pebble = {
	.paths = {
		[ROUTE_DIRECTORY] = "/dir",
		[ROUTE_NEW_NONCE] = "/nonce-plz",
		[ROUTE_NEW_ACCOUNT] = "/sign-me-up",
		[ROUTE_NEW_ORDER] = "/order-plz",
		[ROUTE_KEY_CHANGE] = "/rollover-account-key",
		[ROUTE_REVOKE_CERT] = "/revoke-cert",
		[ROUTE_ACCOUNT] = "/my-account/#",
		[ROUTE_ORDERS] = "/list-orderz/#",
		[ROUTE_ORDERS_PAGE] = "/list-orderz/#/page/+",
		[ROUTE_ORDER] = "/my-order/@",
		[ROUTE_FINALIZE] = "/finalize-order/@",
		[ROUTE_FINALIZE_STAR] = "/finalize-star-order/@",
		[ROUTE_AUTHORIZATION] = "/authZ/@",
		[ROUTE_CHALLENGE] = "/chalZ/!",
		[ROUTE_CERTIFICATE] = "/certZ/$",
		[ROUTE_CERTIFICATE_CHAIN] = "/certZ/$/alternate/+",
		[ROUTE_STAR_CERTIFICATE] = "/starZ/@",
		[ROUTE_STAR_CERTIFICATE_CHAIN] = "/starZ/@/alternate/+",
		[ROUTE_RENEWAL_INFO] = "/draft-ietf-acme-ari-03/renewalInfo",
		[ROUTE_RENEWAL_INFO_OF] = "/draft-ietf-acme-ari-03/renewalInfo/+",
	},
	.json_type = "application/json; charset=utf-8",
	.problem_type = "application/problem+json; charset=utf-8",
	.pem_type = "application/pem-certificate-chain; charset=utf-8",
	.json_indent = 3,
	.cache_control = "public, max-age=0, no-cache",
	.expose = "Link, Replay-Nonce, Location",
	.allow_get = "GET, POST, HEAD",
	.allow_post = "POST",
	.max_age = "5",
	.not_found = "404 page not found\n",
	.cors_on_origin = true,
	.quiet = true,
	.meta_whole = true,
	.query_ignored = true,
	.agent_required = true,
	.nonce_header_refused = true,
	.odd_nonces = true,
	.sorted_directory = true,
	.exact_media_type = true,
	.open_ids = true,
	.classic_algorithms = true,
	.mismatch_unauthorized = true,
	.mismatch = {
		[CHALLENGE_DNS_01] = "Correct value not found for DNS challenge",
		[CHALLENGE_DNS_ACCOUNT_01] = "Correct value not found for DNS-ACCOUNT-01 challenge",
	},
	.short_ids = true,
	.numbered_pages = true,
	.refuses_empty_update = true,
	.challenge_once = true,
	.shows_key = true,
	.sparse_account = true,
	.lax_members = true,
	.problems = {
		[SAID_ACCOUNT_DEACTIVATED] = SAYS(PROBLEM_UNAUTHORIZED, 403, "Account has been deactivated"),
		[SAID_ACCOUNT_UNKNOWN] = SAYS(PROBLEM_NONE, 0,
		    "unable to find existing account for only-return-existing request"),
		[SAID_ALGORITHM_OF_KEY] = SAYS(PROBLEM_MALFORMED, 0, "JWS verification error: the algorithm is not the key's"),
		[SAID_ALREADY_REPLACED] = SAYS(PROBLEM_NONE, 0,
		    "cannot indicate an order replaces certificate <>, which already has a replacement order"),
		[SAID_ALREADY_REVOKED] = SAYS(PROBLEM_NONE, 0, "Certificate has already been revoked."),
		[SAID_CHALLENGE_BODY] = SAYS(PROBLEM_MALFORMED, 0, "challenge initiation POST JWS body was not \"{}\""),
		[SAID_CHALLENGE_OVER] = SAYS(PROBLEM_MALFORMED, 0,
		    "Cannot update challenge with status <>, only status pending"),
		[SAID_CHALLENGE_KEY_AUTHORIZATION] = SAYS(PROBLEM_MALFORMED, 0,
		    "Challenge response body contained legacy KeyAuthorization field, POST body should be `{}`"),
		[SAID_CONTACT_COUNT] = SAYS(PROBLEM_MALFORMED, 0, "too many contacts provided: <> > 2"),
		[SAID_CSR_COUNT] = SAYS(PROBLEM_UNAUTHORIZED, 0,
		    "Order includes different number of <> identifiers than CSR specifies"),
		[SAID_CSR_KEY] = SAYS(PROBLEM_NONE, 0, "CSR contains a public key for a known account"),
		[SAID_CSR_NAME] = SAYS(PROBLEM_UNAUTHORIZED, 0, "CSR is missing Order <>"),
		[SAID_EMPTY_UPDATE] = SAYS(PROBLEM_MALFORMED, 0,
		    "Use POST-as-GET to retrieve account data instead of doing an empty update"),
		[SAID_KEY_DEACTIVATED] = SAYS(PROBLEM_UNAUTHORIZED, 403,
		    "An account with the provided public key exists but is deactivated"),
		[SAID_MEDIA_TYPE] = SAYS(PROBLEM_NONE, 0,
		    "Invalid Content-Type header on POST. Content-Type must be \"application/jose+json\""),
		[SAID_METHOD] = SAYS(PROBLEM_NONE, 0, "Method not allowed"),
		[SAID_NAME_CHARACTER] = { .type = PROBLEM_MALFORMED, .lone = true,
		    .text = "Order included DNS identifier with a value containing an illegal character: '<>'" },
		[SAID_NAME_FORBIDDEN] = SAYS(PROBLEM_NONE, 0,
		    "Order included an identifier for which issuance is forbidden by policy: \"<>\""),
		[SAID_NONCE_BAD] = SAYS(PROBLEM_BAD_NONCE, 0, "JWS has an invalid anti-replay nonce: <>"),
		[SAID_NONCE_MISSING] = SAYS(PROBLEM_BAD_NONCE, 0, "JWS has no anti-replay nonce"),
		[SAID_NO_CERTIFICATE] = SAYS(PROBLEM_MALFORMED, 404, "failed to retrieve existing certificate serial"),
		[SAID_KEY_TAKEN] = { .bare = true },
		[SAID_KID] = SAYS(PROBLEM_NONE, 0, "Key ID (kid) in JWS header missing expected URL prefix"),
		[SAID_KID_UNKNOWN] = SAYS(PROBLEM_NONE, 0, "Account <> not found."),
		[SAID_NO_IDENTIFIER] = SAYS(PROBLEM_NONE, 0, "Order did not specify any identifiers"),
		[SAID_NO_PROFILE] = SAYS(PROBLEM_NONE, 0, "Order includes unrecognized profile name \"<>\""),
		[SAID_SIGNATURE] = SAYS(PROBLEM_NONE, 0, "JWS verification error: go-jose/go-jose: error in cryptographic primitive"),
		[SAID_NO_OBJECT] = { .bare = true },
		[SAID_ORDER_NOT_READY] = SAYS(PROBLEM_NONE, 0, "Order's status (\"<>\") was not ready"),
		[SAID_REASON] = SAYS(PROBLEM_NONE, 0, "Invalid revocation reason: <>"),
		[SAID_TERMS] = SAYS(PROBLEM_NONE, 0, "Provided account did not agree to the terms of service"),
		[SAID_URL] = SAYS(PROBLEM_MALFORMED, 400, "JWS header parameter 'url' incorrect. Expected \"<>\""),
	},
};

/* --- the same at other paths: what a client has built in is not there ------------------------------------ */

#define PATH_SIZE 64

static struct surface moved;
static char	      moved_paths[ROUTE_COUNT][PATH_SIZE];

static void
move(void)
{
	moved = surface_pebble;
	for (size_t i = 0; i < ROUTE_COUNT; i++)
		if (surface_pebble.paths[i] != NULL && i != ROUTE_DIRECTORY) {
			snprintf(moved_paths[i], PATH_SIZE, "/moved%s", surface_pebble.paths[i]);
			moved.paths[i] = moved_paths[i];
		}
}

const struct surface *
surface_pebble_moved(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, move);
	return &moved;
}
