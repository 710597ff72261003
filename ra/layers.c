#include "ra/layers.h"

#include "ra/external.h"
#include "ra/request.h"

bool
layers_load(struct request *request, struct layers *out)
{
	const struct ra *ra = request->ra;

	*out = (struct layers){ .policy = { .ra = &ra->config->ra, .ca = &ra->config->ca, .issuers = &ra->issuers } };
	out->policy.held = &out->held;
	return external_load(request, &out->held);
}

void
layers_free(struct layers *layers)
{
	external_key_free(&layers->held);
}
