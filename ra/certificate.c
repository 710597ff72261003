#include <string.h>

#include "ra/request.h"
#include "x509/certificate.h"

/* Appends the issuer's PEM: one that is configured, or one that was. */
static enum err
put_issuer(struct request *request, const uint8_t fingerprint[FINGERPRINT_SIZE])
{
	const struct ra *ra = request->ra;
	struct buf	 der = { 0 };
	enum err	 err;

	for (size_t i = 0; i < ra->issuer_count; i++)
		if (memcmp(ra->issuers[i].fingerprint, fingerprint, FINGERPRINT_SIZE) == 0) {
			buf_put(&request->reply_body, ra->issuers[i].pem.data, ra->issuers[i].pem.len);
			return ERR_OK;
		}
	if ((err = issuer_get(request_tx(request), fingerprint, &der)) == ERR_OK)
		err = certificate_pem(buf_slice(&der), &request->reply_body);
	buf_free(&der);
	return err;
}

/* RFC 8555, 7.4.2: leaf first, then what issued it. */
static bool
put_chain(struct request *request, const struct certificate *certificate)
{
	enum err err;

	if ((err = certificate_pem(buf_slice(&certificate->der), &request->reply_body)) == ERR_OK)
		err = put_issuer(request, certificate->issuer);
	if (err != ERR_OK)
		return request_broken(request, "put_chain", err);
	request->reply.status = 200;
	request->reply.media = MEDIA_PEM_CHAIN;
	return true;
}

bool
certificate_show(struct request *request)
{
	struct storage_tx *tx = request_tx(request);
	struct certificate certificate = { 0 };
	enum err	   err;
	bool		   done;

	if (tx == NULL)
		return false;
	err = certificate_get(tx, request->target.id, &certificate);
	if (err == ERR_NOT_FOUND) {
		request->problem.status = 404;
		done = problem_set(&request->problem, PROBLEM_MALFORMED, "there is no such certificate");
	} else if (err != ERR_OK) {
		done = request_broken(request, "certificate_get", err);
	} else if (!id_eq(certificate.account, request->account.id)) {
		done = problem_set(&request->problem, PROBLEM_UNAUTHORIZED,
		    "the certificate belongs to another account");
	} else {
		done = put_chain(request, &certificate);
	}
	certificate_free(&certificate);
	return done;
}
