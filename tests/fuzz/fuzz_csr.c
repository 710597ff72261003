/* Any bytes as a CSR. What is accepted must hold what csr.h promises. */
#include <stdint.h>
#include <stdlib.h>

#include "x509/csr.h"
#include "x509/key.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct reason reason;
	struct csr *csr;
	EVP_PKEY *key;
	size_t i;

	if (csr_parse(slice_of(data, len), &csr, &reason) == ERR_OK) {
		if (csr->count == 0 || csr->count > IDENTIFIERS_MAX || csr->key == NULL ||
		    !csr_names_match(csr, csr->names, csr->count, &reason))
			abort();
		for (i = 1; i < csr->count; i++)
			if (identifier_compare(&csr->names[i - 1], &csr->names[i]) >= 0)
				abort();
		(void)key_check(csr->key, &reason);
		csr_free(csr);
	}
	if (csr_parse_by(slice_of(data, len), CSR_NAMES_ONLY, &csr, &reason) == ERR_OK) {
		if (csr->key == NULL || csr_names_match(csr, csr->names, csr->count, &reason) != (csr->strange == 0))
			abort();
		csr_free(csr);
	}
	if (csr_parse_key(slice_of(data, len), &key, &reason) == ERR_OK)
		EVP_PKEY_free(key);
	return 0;
}
