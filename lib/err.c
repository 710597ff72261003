/* err.c: words for the error codes. */
#include "lib/err.h"

const char *
err_text(enum err err)
{
	switch (err) {
	case ERR_OK:
		return "no error";
	case ERR_MEMORY:
		return "out of memory";
	case ERR_IO:
		return "input or output failed";
	case ERR_CRYPTO:
		return "failure inside OpenSSL";
	case ERR_MALFORMED:
		return "malformed input";
	case ERR_TOO_LARGE:
		return "input over the limit";
	case ERR_UNSUPPORTED:
		return "unsupported kind";
	case ERR_BAD_ALGORITHM:
		return "refused algorithm";
	case ERR_BAD_KEY:
		return "refused public key";
	case ERR_BAD_SIGNATURE:
		return "signature that does not verify";
	case ERR_NOT_FOUND:
		return "nothing found";
	case ERR_EXISTS:
		return "object exists already";
	case ERR_CONFLICT:
		return "changed state";
	case ERR_DENIED:
		return "denial by policy";
	case ERR_STALE:
		return "stale input";
	case ERR_BUSY:
		return "exhausted resource";
	case ERR_CLOSED:
		return "closed connection";
	case ERR_CONFIG:
		return "wrong configuration";
	}
	return "unknown error";
}
