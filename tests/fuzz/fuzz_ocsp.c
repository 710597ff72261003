/* OCSP requests: "D" and DER, or "P" and what stands in a GET's path. What is accepted must hold what the headers
 * promise, and OpenSSL must see the same in it. */
#include <openssl/ocsp.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "ipc/msg.h"
#include "wfe/check.h"
#include "x509/ocsp.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

static void
check_id(const struct ocsp_id *id, OCSP_ONEREQ *theirs)
{
	ASN1_INTEGER *serial;
	BIGNUM	     *number, *ours = BN_bin2bn(id->serial, (int)id->serial_len, NULL);

	if (id->serial_len == 0 || id->serial_len > OCSP_SERIAL_MAX || id->hash == 0 || id->hash >= OCSP_HASH_COUNT ||
	    OCSP_id_get0_info(NULL, NULL, NULL, &serial, OCSP_onereq_get0_id(theirs)) != 1 ||
	    (number = ASN1_INTEGER_to_BN(serial, NULL)) == NULL || BN_cmp(number, ours) != 0)
		abort();
	BN_free(number);
	BN_free(ours);
}

/* OpenSSL also looks into the requestor's name and the signature, which we leave unread. */
static void
compare(struct slice der, const struct ocsp_request *request)
{
	const uint8_t *p = der.data;
	OCSP_REQUEST  *theirs = d2i_OCSP_REQUEST(NULL, &p, (long)der.len);

	if (theirs == NULL)
		return;
	if (OCSP_request_onereq_count(theirs) != (int)request->count)
		abort();
	for (size_t i = 0; i < request->count; i++)
		check_id(&request->ids[i], OCSP_request_onereq_get0(theirs, (int)i));
	OCSP_REQUEST_free(theirs);
}

/* What wfe says of it ra understands. */
static void
cross(const struct ocsp_request *request)
{
	struct msg_ocsp said = { .number = 1, .request = *request }, heard = { .number = 0 };
	struct buf	bytes = { 0 }, again = { 0 };

	put_ocsp(&bytes, &said);
	if (!get_ocsp(buf_slice(&bytes), &heard))
		abort();
	put_ocsp(&again, &heard);
	if (!slice_eq(buf_slice(&bytes), buf_slice(&again)))
		abort();
	buf_free(&bytes);
	buf_free(&again);
}

static void
read_der(struct slice der)
{
	struct ocsp_request request;
	struct reason	    reason = { "" };

	if (ocsp_request_parse(der, &request, &reason) != ERR_OK) {
		if (reason.text[0] == '\0')
			abort();
		return;
	}
	if (request.count == 0 || request.count > OCSP_IDS_MAX || request.nonce_len > OCSP_NONCE_MAX)
		abort();
	compare(der, &request);
	cross(&request);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	struct buf der = { 0 };

	if (len > 0 && data[0] == 'D')
		read_der(slice_of(data + 1, len - 1));
	else if (len > 0 && ocsp_path_decode(slice_of(data + 1, len - 1), &der))
		read_der(buf_slice(&der));
	buf_free(&der);
	return 0;
}
