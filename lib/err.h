/* err.h: the one error enum. A function that can fail returns it; ERR_OK is 0.
 *
 * Hostile input yields a code and, where a person must act on it, a struct reason
 * (lib/reason.h). Broken preconditions abort; they are never a code. */
#ifndef SIGNET_LIB_ERR_H
#define SIGNET_LIB_ERR_H

enum err {
	ERR_OK = 0,
	ERR_MEMORY,		/* allocation failed */
	ERR_IO,			/* a system call or a peer failed; errno may tell */
	ERR_CRYPTO,		/* OpenSSL failed where it should not */
	ERR_MALFORMED,		/* the bytes are not what their format asks for */
	ERR_TOO_LARGE,		/* over a documented limit */
	ERR_UNSUPPORTED,	/* well-formed, but a kind we don't serve */
	ERR_BAD_ALGORITHM,	/* a JWS or certificate algorithm we refuse */
	ERR_BAD_KEY,		/* a public key we refuse */
	ERR_BAD_SIGNATURE,	/* a signature or MAC that does not verify */
	ERR_NOT_FOUND,
	ERR_EXISTS,		/* a unique thing is there already */
	ERR_CONFLICT,		/* compare-and-set lost: the state is another one */
	ERR_DENIED,		/* policy says no */
	ERR_STALE,		/* too old, or too new */
	ERR_BUSY,		/* try again: a bounded resource is used up */
	ERR_CLOSED,		/* the peer hung up */
	ERR_CONFIG		/* configuration or installation is wrong; told on stderr */
};

/* A short English noun phrase, for logs; static. */
const char *err_text(enum err);

#endif
