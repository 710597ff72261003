/* conduct_rules.h: the rules that clients are held to: name, section, whether MUST or SHOULD, what it says, and what
 * would be right. The one table. */
#ifndef SIGNET_RA_CONDUCT_RULES_H
#define SIGNET_RA_CONDUCT_RULES_H

/* clang-format off */
#define CONDUCT_RULES(X) \
X(AGENT, "RFC 8555, 6.1", "MUST", "Every request has a User-Agent", "send a User-Agent with the client's name and version") \
X(PADDING, "RFC 8555, 6.1", "MUST", "base64url stands without padding", "leave the \"=\" out") \
X(MEDIA_TYPE, "RFC 8555, 6.2", "MUST", "POSTs are application/jose+json", "send Content-Type: application/jose+json") \
X(UNPROTECTED, "RFC 8555, 6.2", "MUST", "A JWS has no unprotected header", "put all fields into \"protected\"") \
X(KEY_FORM, "RFC 8555, 6.2", "MUST", "newAccount is signed with jwk, all else with kid", "use \"jwk\" for newAccount and revocation by the certificate's key alone") \
X(GET, "RFC 8555, 6.3", "MUST", "Resources are fetched by POST-as-GET", "send a POST with a signed empty payload") \
X(EMPTY_PAYLOAD, "RFC 8555, 6.3", "MUST", "POST-as-GET has the empty string as payload", "sign \"\" and not {}") \
X(URL, "RFC 8555, 6.4", "MUST", "\"url\" is the URL that the request goes to", "sign the very URL that is asked") \
X(HARD_CODED, "RFC 8555, 7.1.1", "MUST", "URLs come from the directory and from replies", "read the directory; build no URL") \
X(NONCE, "RFC 8555, 6.5", "MUST", "A nonce is this server's and is used once", "take the Replay-Nonce of the last answer, once") \
X(RETRY, "RFC 8555, 6.5", "SHOULD", "A badNonce error is retried", "sign again with the nonce of the error and send it") \
X(FRESH_NONCE, "RFC 8555, 6.5", "SHOULD", "A retry uses the nonce of the error", "take the Replay-Nonce of the badNonce answer") \
X(ENDLESS, "RFC 8555, 6.5", "SHOULD", "Retries come to an end", "give up after a few") \
X(NEW_NONCE, "RFC 8555, 7.2", "SHOULD", "Nonces come from answers; newNonce is for the first", "keep the Replay-Nonce of each answer") \
X(RETRY_AFTER, "RFC 8555, 6.6 and 7.5.1", "SHOULD", "Retry-After is obeyed", "wait as long as it says, in seconds or until its date") \
X(SUBPROBLEMS, "RFC 8555, 6.7.1", "SHOULD", "Subproblems say which identifiers to leave out", "order without the identifiers that were refused") \
X(ORDERS_LIST, "RFC 8555, 7.1.2.1", "MUST", "The orders list is followed to its end", "fetch what Link;rel=\"next\" names") \
X(DEAD, "RFC 8555, 7.1.6", "MUST", "What is invalid, expired or deactivated is left alone", "make a new order") \
X(NEW_ACCOUNT, "RFC 8555, 7.3", "SHOULD", "An account is kept and used again", "keep key and account URL") \
X(TERMS, "RFC 8555, 7.3", "MUST", "New accounts agree to the terms", "send \"termsOfServiceAgreed\": true after asking the user") \
X(CONTACT, "RFC 8555, 7.3", "MUST", "Contacts are mailto URLs of one address", "send mailto:user@example.com, without header fields") \
X(EAB, "RFC 8555, 7.3.4", "MUST", "An external account binding is as the server asks", "MAC the account's key with the key of \"kid\", for newAccount's URL") \
X(ROLLOVER, "RFC 8555, 7.3.5", "MUST", "A key change is signed by both keys and names the account and the old key", "see the four checks of 7.3.5") \
X(FINALIZE, "RFC 8555, 7.4", "MUST", "An order is finalized once, when it is ready", "poll the order until it is \"ready\", then finalize") \
X(CSR_NAMES, "RFC 8555, 7.4", "MUST", "The CSR names exactly the order's identifiers", "put the order's identifiers into subjectAltName") \
X(POLL, "RFC 8555, 7.4", "SHOULD", "An order in processing is polled", "poll the order after finalize until it is valid or invalid") \
X(ABANDONED, "RFC 8555, 7.4", "SHOULD", "Orders are brought to their end", "finish the order, or deactivate its authorizations") \
X(DOWNLOAD, "RFC 8555, 7.4.2", "SHOULD", "The certificate is downloaded", "fetch the order's \"certificate\"") \
X(ALTERNATES, "RFC 8555, 7.4.2", "SHOULD", "Alternate chains are known", "offer the chains of Link;rel=\"alternate\" to the user") \
X(PROVISIONED, "RFC 8555, 7.5.1", "SHOULD", "A challenge is answered when its response is in place", "provision first, look at it yourself, then POST {}") \
X(SEVERAL, "RFC 8555, 7.5.1", "SHOULD", "One challenge of an authorization is answered, once", "choose one challenge and poll the authorization") \
X(ARRAY_ORDER, "RFC 8555, 7.1.3", "MUST", "Authorizations are told apart by their identifiers, not by their place", "read each authorization's \"identifier\"; the lists have no order") \
X(RESPONDER, "RFC 8555, 8.3", "SHOULD", "A responder serves every request until the authorization is final", "keep serving: validation asks from several places, and again") \
X(TOKEN_STALE, "RFC 8555, 8.3", "SHOULD", "The response at http-01's path is removed when its authorization is final", "stop serving the token once the authorization is valid or invalid") \
X(TXT_TOGETHER, "RFC 8555, 8.4", "SHOULD", "Several TXT records of one name stand beside one another", "add a record for each authorization; replace none") \
X(TXT_STALE, "RFC 8555, 8.4", "SHOULD", "TXT records are removed when their authorization is final", "delete the record once the authorization is valid or invalid") \
X(KEY_AUTHORIZATION, "RFC 8555, 8.1, 8.3 and 8.4", "MUST", "The response is the token and the account key's thumbprint", "token, a dot, the thumbprint by RFC 7638, and no more; its digest for dns-01") \
X(REASON, "RFC 8555, 7.6", "SHOULD", "A revocation has no reason, or one that the server takes", "leave it out, or give 0, 1, 3, 4 or 5") \
X(REVOKE_TWICE, "RFC 8555, 7.6", "SHOULD", "A certificate is revoked once", "treat alreadyRevoked as done") \
X(ACCOUNT_KEY, "RFC 8555, 11.1", "MUST", "A certificate's key is no account's", "make a key for the certificate alone") \
X(TLS_ALPN, "RFC 8737, 3", "MUST", "tls-alpn-01 shows a certificate of one name with a critical acmeIdentifier", "answer acme-tls/1 alone, with one SAN and the critical extension") \
X(ADDRESS, "RFC 8738, 3", "MUST", "Addresses are written as RFC 5952 and dotted quads say", "write 192.0.2.1 or 2001:db8::1") \
X(ARI_RETRY_AFTER, "RFC 9773, 4.3", "MUST", "Renewal information is not asked for before its Retry-After is over", "wait for it; six hours are usual") \
X(WINDOW, "RFC 9773, 4.2", "SHOULD", "The time of a renewal is drawn by chance within the window", "choose a random moment between start and end") \
X(REPLACES, "RFC 9773, 5", "SHOULD", "The order that renews names the certificate it replaces, once and rightly", "send \"replaces\" with the old certificate's identifier")
/* clang-format on */

enum conduct_rule {
#define X(name, section, level, title, right) RULE_##name,
	CONDUCT_RULES(X)
#undef X
	RULE_COUNT
};

struct conduct_rule_text {
	const char *name, *section, *level, *title, *right;
};
extern const struct conduct_rule_text conduct_rules[RULE_COUNT];

#endif
