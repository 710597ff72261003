/* certificate.c: what was issued, in the form that the client asks for and with the chain that it likes (RFC
 * 8555, 7.4.2): /certificate/ID, /certificate/ID/N for the N-th alternate chain, /issuer/FINGERPRINT; and likewise
 * /star-certificate/ID, with the order's id. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acme/accept.h"
#include "ra/request.h"
#include "ra/star.h"
#include "x509/certificate.h"
#include "x509/chain.h"

/* What one request shows. */
struct view {
	enum route whole, chain; /* its own URL, and those of alternates */

	struct certificate leaf;
	const struct chains *chains; /* NULL: its issuer is configured no more */
	size_t chosen;
	struct buf issuer; /* DER from the database, when there are no chains */
};

static enum err
load_chains(struct request *request, struct view *view)
{
	view->chains = issuers_find(&request->ra->issuers, view->leaf.issuer);
	if (view->chains != NULL)
		return ERR_OK;
	return issuer_get(request_tx(request), view->leaf.issuer, &view->issuer);
}

/* The number in the URL: 1 for the first alternate chain. */
static bool
choose_chain(struct request *request, struct view *view)
{
	const char *tail = request->target.tail;
	size_t others = view->chains != NULL ? view->chains->count - 1 : 0;

	if (request->target.route == view->whole)
		return true;
	if (tail[0] >= '1' && tail[0] <= '9' && tail[1] == '\0' && (size_t)(tail[0] - '0') <= others) {
		view->chosen = (size_t)(tail[0] - '0');
		return true;
	}
	return request_no_object(request,
	    "the certificate has no alternate chain of this number; Link;rel=\"alternate\" names those there "
	    "are");
}

static bool
link_to(
    struct request *request, enum route route, const struct id *id, const char *tail, const char *relation)
{
	struct buf url = { 0 };
	char *text;

	route_url(&url, &request->site, route, id, tail);
	if ((text = buf_take_str(&url)) == NULL)
		return request_broken(request, "link_to", ERR_MEMORY);
	reply_link(request, text, relation);
	free(text);
	return true;
}

static bool
link_alternates(struct request *request, const struct view *view)
{
	char number[2] = "";

	for (size_t i = 0; view->chains != NULL && i < view->chains->count; i++) {
		number[0] = (char)('0' + i);
		if (i != view->chosen &&
		    !link_to(request, i == 0 ? view->whole : view->chain, &request->target.id, number, "alternate"))
			return false;
	}
	return true;
}

static bool
link_issuer(struct request *request, const uint8_t fingerprint[FINGERPRINT_SIZE])
{
	char text[FINGERPRINT_TEXT_SIZE];

	fingerprint_text(fingerprint, text);
	return link_to(request, ROUTE_ISSUER, NULL, text, "up");
}

/* Leaf first, then what issued it. */
static enum err
put_pem(struct view *view, struct buf *out)
{
	enum err err = certificate_pem(buf_slice(&view->leaf.der), out);

	if (err == ERR_OK && view->chains == NULL)
		return certificate_pem(buf_slice(&view->issuer), out);
	for (size_t i = 0; err == ERR_OK && i < view->chains->items[view->chosen].count; i++) {
		const struct issuer *one = &view->chains->items[view->chosen].certs[i];

		buf_put(out, one->pem.data, one->pem.len);
	}
	return err;
}

static enum err
put_pkcs7(struct view *view, struct buf *out)
{
	struct slice ders[1 + CHAIN_MAX] = { buf_slice(&view->leaf.der), buf_slice(&view->issuer) };
	size_t count = 2;

	if (view->chains != NULL) {
		const struct chain *chain = &view->chains->items[view->chosen];

		for (count = 1; count <= chain->count; count++)
			ders[count] = buf_slice(&chain->certs[count - 1].der);
	}
	return chain_pkcs7(ders, count, out);
}

static bool
put_certificate_form(struct request *request, struct view *view)
{
	struct buf *out = &request->reply_body;
	enum err err = ERR_OK;

	request->reply.status = 200;
	switch (accept_form(request->msg.accept)) {
	case FORM_DER:
		request->reply.media = MEDIA_PKIX_CERT;
		buf_put(out, view->leaf.der.data, view->leaf.der.len);
		break;
	case FORM_PKCS7:
		request->reply.media = MEDIA_PKCS7;
		err = put_pkcs7(view, out);
		break;
	default:
		request->reply.media = MEDIA_PEM_CHAIN;
		err = put_pem(view, out);
		break;
	}
	if (err != ERR_OK)
		return request_broken(request, "put_certificate_form", err);
	if (!link_alternates(request, view))
		return false;
	if (request->reply.media == MEDIA_PEM_CHAIN)
		return true;
	return link_issuer(request, view->chains == NULL
					? view->leaf.issuer
					: view->chains->items[view->chosen].certs[0].fingerprint);
}

static bool
load_leaf(struct request *request, struct certificate *leaf)
{
	struct storage_tx *tx = request_tx(request);
	struct revocation revocation;
	enum err err;

	if (tx == NULL)
		return false;
	err = certificate_get(tx, request->target.id, leaf);
	if (err == ERR_NOT_FOUND)
		return request_no_object(request, "there is no such certificate");
	if (err != ERR_OK)
		return request_broken(request, "certificate_get", err);
	if (!id_eq(leaf->account, request->account.id))
		return problem_set(
		    &request->problem, PROBLEM_UNAUTHORIZED, "the certificate belongs to another account");
	if (request->ra->config->ra.show_revoked)
		return true;
	if ((err = revocation_get(tx, buf_slice(&leaf->serial), &revocation)) == ERR_OK)
		return request_no_object(request, "the certificate is revoked");
	return err == ERR_NOT_FOUND || request_broken(request, "revocation_get", err);
}

bool
certificate_show(struct request *request)
{
	bool renewed = request->target.route == ROUTE_STAR_CERTIFICATE ||
	    request->target.route == ROUTE_STAR_CERTIFICATE_CHAIN;
	struct view view = { .whole = renewed ? ROUTE_STAR_CERTIFICATE : ROUTE_CERTIFICATE,
		.chain = renewed ? ROUTE_STAR_CERTIFICATE_CHAIN : ROUTE_CERTIFICATE_CHAIN };
	bool done = renewed ? star_load(request, &view.leaf) : load_leaf(request, &view.leaf);
	enum err err;

	if (done && (err = load_chains(request, &view)) != ERR_OK)
		done = request_broken(request, "load_chains", err);
	done = done && choose_chain(request, &view) && put_certificate_form(request, &view);
	certificate_free(&view.leaf);
	buf_free(&view.issuer);
	return done;
}

/* What rel="up" points to. Issuers are no secret: any account may ask. */
bool
issuer_show(struct request *request)
{
	struct storage_tx *tx = request_tx(request);
	const struct issuer *above;
	uint8_t fingerprint[FINGERPRINT_SIZE];
	enum err err = ERR_NOT_FOUND;

	if (tx == NULL)
		return false;
	if (fingerprint_parse(request->target.tail, fingerprint))
		err = issuer_get(tx, fingerprint, &request->reply_body);
	if (err == ERR_NOT_FOUND) {
		return request_no_object(request, "there is no such issuer");
	}
	if (err != ERR_OK)
		return request_broken(request, "issuer_get", err);
	request->reply.status = 200;
	request->reply.media = MEDIA_PKIX_CERT;
	above = issuers_above(&request->ra->issuers, fingerprint);
	return above == NULL || link_issuer(request, above->fingerprint);
}
