#include <stdlib.h>

#include "ra/request.h"
#include "x509/certificate.h"

/* RFC 8555, 7.4.2: leaf first, then what issued it. */
static bool
put_chain(struct request *request, const struct certificate *certificate)
{
	struct buf issuer = { 0 };
	enum err   err;

	err = issuer_get(request_tx(request), certificate->issuer, &issuer);
	if (err == ERR_OK)
		err = certificate_pem(buf_slice(&certificate->der), &request->reply_body);
	if (err == ERR_OK)
		err = certificate_pem(buf_slice(&issuer), &request->reply_body);
	buf_free(&issuer);
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
