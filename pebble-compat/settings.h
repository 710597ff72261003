/* settings.h: what Pebble's users configure: its JSON file and its environment variables. */
#ifndef SIGNET_PEBBLE_SETTINGS_H
#define SIGNET_PEBBLE_SETTINGS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "lib/err.h"
#include "lib/reason.h"

struct settings {
	json_t		*root;		/* owns what follows */
	const char	*listen, *management;	/* "": off */
	const char	*certificate, *private_key;	/* relative to the working directory; "": one is made */
	const char	*ocsp_url;
	int64_t		 http_port, tls_port;
	bool		 external_account_required;
	const json_t	*mac_keys;	/* object of strings, or NULL */
	const json_t	*caa_identities;	/* array of strings with one at least, or NULL */
	const json_t	*blocked;	/* array of strings, or NULL */
	bool		 ecdsa;		/* else RSA of 2048 bits */
	const json_t	*profiles;	/* object of objects, or NULL */
	int64_t		 retry_authorization, retry_order;
	/* The environment's. */
	int64_t		 nonce_reject, authz_reuse, orders_per_page, sleep;
	bool		 always_valid, no_sleep;
	int64_t		 alternate_roots, chain_length;
	bool		 moved_paths;	/* another directory than Pebble's */
	bool		 show_revoked;	/* revoked certificates can still be downloaded */
	const char	*challenges;	/* names of types between commas; "": all */
};

/* Reads the file as Go's encoding/json does: names of members in any case, unknown ones ignored, null as if it wasn't
 * there; then the environment. On ERR_OK the caller frees. ERR_CONFIG and others with the reason. */
enum err settings_read(const char *file, struct settings *, struct reason *);
void	 settings_free(struct settings *);
/* A member by its name in any case, NULL when it isn't there or null. */
const json_t *settings_member(const json_t *object, const char *name);

#endif
