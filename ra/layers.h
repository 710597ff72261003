/* layers.h: the policy that a request's account is under, with all its layers (policy.h). */
#ifndef SIGNET_RA_LAYERS_H
#define SIGNET_RA_LAYERS_H

#include "ra/policy.h"

struct request;

struct layers {
	struct policy policy; /* into what follows, and into the configuration */
	struct external_key held;
};

/* False with serverInternal. Either way layers_free(). */
bool layers_load(struct request *, struct layers *out);
void layers_free(struct layers *);

#endif
