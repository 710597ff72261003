/* fuzz_certificate.c: what a client says to be a certificate (RFC 8555, 7.6). */
#include <stdint.h>
#include <stdlib.h>

#include "x509/certificate.h"
#include "x509/crl.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reason reason = { "" };
	uint8_t	      serial[20];
	size_t	      serial_len;
	X509	     *cert;
	enum err      err = certificate_parse(slice_of(data, len), &cert, &reason);

	if ((err == ERR_OK) != (cert != NULL) || (err != ERR_OK && reason.text[0] == '\0'))
		abort();
	if (cert == NULL)
		return 0;
	if (certificate_serial(cert, serial, &serial_len) == ERR_OK && (serial_len == 0 || serial_len > 20))
		abort();
	(void)X509_get0_pubkey(cert);
	if (crl_shard_of(cert) >= CRL_SHARDS_MAX)
		abort();
	X509_free(cert);
	return 0;
}
