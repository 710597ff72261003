/* yaml.h: the test CA as signet's own configuration: files in a folder, and the text of a signet.yaml with preset
 * pebble that names them. */
#ifndef SIGNET_PEBBLE_YAML_H
#define SIGNET_PEBBLE_YAML_H

#include "lib/buf.h"
#include "lib/err.h"
#include "lib/reason.h"
#include "pebble-compat/hierarchy.h"
#include "pebble-compat/settings.h"

/* From the command line. */
struct wishes {
	const char	*resolver;	/* "host:port"; "" for the system's */
	bool		 strict;
	uint64_t	 seed;
	const char	*faults;	/* a script's file; "": none */
	const char	*plain;		/* "host:port" of plain HTTP, for CRLs and OCSP; "": none */
	const char	*caa;		/* as va.caa */
	bool		 auto_renewal;	/* the directory tells of it */
};

/* Writes the files below folder, which is empty, and appends the text. ERR_CONFIG, ERR_IO with the reason, ERR_MEMORY,
 * ERR_CRYPTO. */
enum err yaml_write(const struct settings *, const struct wishes *, const struct hierarchy *, const char *folder,
    struct buf *out, struct reason *);
/* The address as signet's options take it, numeric: Go takes host names, and ":port" for all addresses. wildcard: what
 * an empty host stands for. False with the reason. */
bool	 yaml_address(const char *text, const char *wildcard, char *out, size_t size, struct reason *);

#endif
