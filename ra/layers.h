/* layers.h: the policy that an account is under, with all its layers (policy.h). */
#ifndef SIGNET_RA_LAYERS_H
#define SIGNET_RA_LAYERS_H

#include "ra/policy.h"
#include "storage/storage.h"

struct ra;
struct request;

/* One that stands in the database. Zero-initialised is none. */
struct layer {
	struct policy_rules rules; /* into what follows */
	struct bounds bounds;
	char key[48];
};
/* Takes over what *bounds holds; id: whose it is. ERR_MEMORY. Either way layer_free(). */
enum err layer_make(struct layer *, enum policy_source, struct id, struct bounds *bounds);
void layer_free(struct layer *);

struct layers {
	struct policy policy; /* into what follows, and into the configuration */
	struct layer external, account;
};

/* Of the account, which may have been made with an external key (zero: none); account zero: an account that nothing
 * holds. ERR_IO, ERR_MEMORY. Either way layers_free(). */
enum err layers_read(const struct ra *, struct storage_tx *, struct id account, struct id external_key,
    struct layers *out);
/* Of the request's account. False with serverInternal. Either way layers_free(). */
bool layers_load(struct request *, struct layers *out);
void layers_free(struct layers *);

#endif
