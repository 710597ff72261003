/* digest.c: SHA-2, fetched once. */
#include "jose/digest.h"

#include <pthread.h>
#include <stdlib.h>

static pthread_once_t	 once = PTHREAD_ONCE_INIT;
static EVP_MD		*digests[DIGEST_COUNT];

static void
fetch(void)
{
	static const char *const names[DIGEST_COUNT] = {
		[DIGEST_SHA256] = "SHA2-256",
		[DIGEST_SHA384] = "SHA2-384",
		[DIGEST_SHA512] = "SHA2-512",
	};

	for (int i = 0; i < DIGEST_COUNT; i++)
		if ((digests[i] = EVP_MD_fetch(NULL, names[i], NULL)) == NULL)
			abort();
}

const EVP_MD *
digest_get(enum digest digest)
{
	if (pthread_once(&once, fetch) != 0)
		abort();
	return digests[digest];
}
