/* persist_set.h: what the TXT records of dns-persist-01 say about one account (draft-ietf-acme-dns-persist-02; -01 as
 * a form). Pure.
 *
 * A record is an issue-value (RFC 8659, 4.2): "ca.example; accounturi=URI; policy=wildcard; persistUntil=SECONDS". In
 * form PERSIST_HASH the URI is account_hash_prefix, "sha-256/" and the base64url of SHA-256 over the length of a domain
 * in one octet, that domain, the thumbprint of one of the account's keys, and the account's URL; the domain is the one
 * that is proven, or "*" where the record's owner wants one text for all of them. */
#ifndef SIGNET_VA_PERSIST_SET_H
#define SIGNET_VA_PERSIST_SET_H

#include "acme/evidence.h"
#include "acme/problem.h"
#include "config/config.h"
#include "ipc/msg.h"
#include "lib/reason.h"
#include "va/dns_answer.h"

struct persist_question {
	const struct ra_config	*config;	/* who we are, and which form */
	const struct msg_check	*asked;		/* the name, and whose it shall be */
	int64_t			 now;		/* seconds */
};

struct persist_proof {
	size_t		key;	/* PERSIST_HASH: whose thumbprint; 0: the present one, 1: former[0], ... */
	int64_t		until;	/* 0: for ever */
};

#define PERSIST_URI_MAX 1024

/* The value of accounturi for that domain and that key of the account, numbered as in a proof. False: it is too long. */
bool	persist_uri(const struct persist_question *, const char *domain, size_t key, char out[PERSIST_URI_MAX]);
/* Whether a record proves it; of several the one that holds longest. If none does, problem and reason say why by the
 * record that comes nearest, without quoting it: a clause. */
bool	persist_set_judge(const struct dns_records *, const struct persist_question *, struct persist_proof *,
    enum problem_type *problem, struct reason *);

#endif
