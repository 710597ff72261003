/* Any bytes as the certificate that answers tls-alpn-01. What is accepted must hold what RFC 8737, 3 asks. */
#include <openssl/x509v3.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "x509/acme_identifier.h"

#define TOKEN "dG9rZW4tb2YtMzItYnl0ZXMtZm9yLXRlc3RpbmctMDE"
#define THUMBPRINT "LPJNul-wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct identifier names[] = { { IDENTIFIER_DNS, "a.test" },
		{ IDENTIFIER_IP, "192.0.2.1" }, { IDENTIFIER_IP, "2001:db8::1" } };
	uint8_t digest[ACME_IDENTIFIER_DIGEST_SIZE];
	struct reason reason;
	size_t i, accepted = 0;

	acme_identifier_digest(TOKEN, THUMBPRINT, digest);
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		reason.text[0] = '\0';
		if (acme_identifier_check(slice_of(data, len), &names[i], digest, &reason) == ERR_OK)
			accepted++;
		else if (strncmp(reason.text, "the certificate", 15) != 0)
			abort();
	}
	if (accepted > 1 || (accepted == 1 && memmem(data, len, digest, sizeof(digest)) == NULL))
		abort();
	return 0;
}
