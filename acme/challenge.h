/* challenge.h: the challenge types, one table row each (RFC 8555, 8). Pure. */
#ifndef SIGNET_ACME_CHALLENGE_H
#define SIGNET_ACME_CHALLENGE_H

#include <stdbool.h>
#include <stdint.h>

#include "acme/identifier.h"

enum challenge_type {
	CHALLENGE_NONE = 0,
	CHALLENGE_HTTP_01 = 1,
	CHALLENGE_TLS_ALPN_01,
	CHALLENGE_DNS_01,
	CHALLENGE_DNS_ACCOUNT_01,
	CHALLENGE_DNS_PERSIST_01,
	CHALLENGE_TYPE_COUNT
};

const char		*challenge_name(enum challenge_type);	/* "http-01"; "" for none */
enum challenge_type	 challenge_by_name(const char *);	/* CHALLENGE_NONE: unknown */
/* Whether this type can prove control of that identifier, as a wildcard or not. */
bool			 challenge_proves(enum challenge_type, enum identifier_type, bool wildcard);

/* Whether what proves it stands for an account, and stays: then the challenge has no token but says who the CA is, and
 * a proof that names one of the account's former keys counts too. */
bool			 challenge_persists(enum challenge_type);

/* A set of types as the database keeps it: bit (1 << type). */
uint32_t challenge_offer(enum identifier_type, bool wildcard);

#define TOKEN_SIZE 44		/* 32 random bytes in base64url and the NUL: 8.1 asks for 128 bits */
void	 token_new(char out[TOKEN_SIZE]);

#endif
