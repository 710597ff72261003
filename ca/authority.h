/* authority.h: what ca holds: the issuers' keys, the key of the evidence, the ledger. */
#ifndef SIGNET_CA_AUTHORITY_H
#define SIGNET_CA_AUTHORITY_H

#include "acme/evidence.h"
#include "ca/issuer.h"
#include "ca/ledger.h"
#include "ca/revoked.h"
#include "config/config.h"
#include "jose/jwk.h"
#include "proc/proc.h"
#include "x509/blocklist.h"

/* Reading and judging an account's key costs a third of a verification, and the same accounts come again. */
#define CA_ACCOUNTS 64

struct ca {
	const struct config *config; /* borrowed */
	struct issuer *issuers; /* as config->ca.issuers; issuer_choose() says which one signs */
	uint8_t evidence_key[EVIDENCE_KEY_SIZE]; /* of the primary, and of those that are in va with it */
	EVP_PKEY *perspectives[PERSPECTIVES_MAX]; /* public keys of va.perspectives that sign by themselves */
	uint8_t server_key[PROC_SECRET_SIZE]; /* wfe's and ours: see server_certificate() */
	char *folder; /* the ledger's, as a path */
	struct ledger *ledger;
	struct blocklist *blocked; /* or NULL */
	struct jwk *accounts[CA_ACCOUNTS]; /* keys of recent requests; NULL: a free place */
	struct buf der; /* the certificate that was made last */
	struct buf serial; /* its serial */
	struct crl_maker *crls; /* ca/crl.c's */
	struct revoked *revoked; /* NULL: nobody is told by OCSP, or this is a test that forgets */
	struct revoked *canceled; /* orders that get no further certificates (ca/star.h); NULL as above, or nothing is renewed */
	int64_t tokens_ms; /* server_certificate()'s bucket: when it will be full again */
};

/* Where its clients find it: what the urls that they sign begin with. */
struct site ca_site(const struct ca *);

/* Reads keys and opens the ledger's folder, which exists. ERR_CONFIG and others with the reason. */
enum err ca_open(const struct config *, int64_t now, struct ca **out, struct reason *);
void ca_close(struct ca *); /* NULL is fine */

/* Orders older than this are refused, but for auto-renewal. */
int64_t ca_order_window(const struct ca *);
/* What could still be asked for again was made no longer ago, so the ledger's memory needs to reach no further back. */
int64_t ca_ledger_window(const struct ca *);

#endif
