#include "acme/ocsp.h"

size_t
ocsp_hash_size(enum ocsp_hash hash)
{
	return hash == OCSP_SHA1 ? 20 : 32;
}

bool
ocsp_status_known(unsigned status)
{
	return status <= OCSP_TRY_LATER || status == OCSP_UNAUTHORIZED;
}
