#include "acme/surface.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The first path that matches is the route, in enum route's order. */
const struct surface surface_native = {
	.paths = {
		[ROUTE_DIRECTORY] = "/directory",
		[ROUTE_NEW_NONCE] = "/new-nonce",
		[ROUTE_NEW_ACCOUNT] = "/new-account",
		[ROUTE_NEW_ORDER] = "/new-order",
		[ROUTE_KEY_CHANGE] = "/key-change",
		[ROUTE_REVOKE_CERT] = "/revoke-cert",
		[ROUTE_NEW_AUTHZ] = "/new-authz",
		[ROUTE_ACCOUNT] = "/account/*",
		[ROUTE_ORDERS] = "/account/*/orders",
		[ROUTE_ORDERS_PAGE] = "/account/*/orders/+",
		[ROUTE_ORDER] = "/order/*",
		[ROUTE_FINALIZE] = "/order/*/finalize",
		[ROUTE_FINALIZE_STAR] = "/order/*/finalize-star",
		[ROUTE_AUTHORIZATION] = "/authorization/*",
		[ROUTE_CHALLENGE] = "/challenge/*/+",
		[ROUTE_CERTIFICATE] = "/certificate/*",
		[ROUTE_CERTIFICATE_CHAIN] = "/certificate/*/+",
		[ROUTE_STAR_CERTIFICATE] = "/star-certificate/*",
		[ROUTE_STAR_CERTIFICATE_CHAIN] = "/star-certificate/*/+",
		[ROUTE_RENEWAL_INFO] = "/renewal-info",
		[ROUTE_RENEWAL_INFO_OF] = "/renewal-info/+",
		[ROUTE_ISSUER] = "/issuer/+",
	},
	.json_type = "application/json",
	.problem_type = "application/problem+json",
	.pem_type = "application/pem-certificate-chain",
	.expose = "Link, Replay-Nonce, Location, Retry-After",
	.allow_get = "GET, HEAD, POST, OPTIONS",
	.allow_post = "POST, OPTIONS",
	.max_age = "86400",
};

void
surface_retell(const struct surface *surface, struct problem *problem)
{
	const struct retold *retold = &surface->problems[problem->said];
	const char	    *gap;

	if (retold->text == NULL)
		return;
	if (retold->type != PROBLEM_NONE)
		problem->type = retold->type;
	if (retold->type != PROBLEM_NONE || retold->status != 0)
		problem->status = retold->status;
	gap = strstr(retold->text, "<>");
	if (gap == NULL)
		reason_set(&problem->detail, "%s", retold->text);
	else
		reason_set(&problem->detail, "%.*s%s%s", (int)(gap - retold->text), retold->text, problem->about,
		    gap + 2);
	if (retold->lone) {
		free(problem->subs);
		problem->subs = NULL;
		problem->sub_count = 0;
	}
}

const struct surface *
surface_of(enum surface_kind kind)
{
	assert((unsigned)kind < SURFACE_COUNT);
	return kind == SURFACE_NATIVE ? &surface_native : kind == SURFACE_PEBBLE ? &surface_pebble : surface_pebble_moved();
}
