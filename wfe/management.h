/* management.h: the files that the management listener shows: a test CA's roots, and whatever its command put on
 * wfe.pages. Read once, before the process is confined. */
#ifndef SIGNET_WFE_MANAGEMENT_H
#define SIGNET_WFE_MANAGEMENT_H

#include <microhttpd.h>
#include <stdbool.h>

#include "config/config.h"
#include "lib/err.h"

struct management;

/* ERR_CONFIG, logged: a file can't be read. ERR_MEMORY. */
enum err management_open(const struct config *, struct management **out);
void	 management_free(struct management *);	/* NULL is fine */
/* False: there is no page of that path. True: *out is the response, the caller's; NULL when memory is out. */
bool	 management_page(const struct management *, const char *path, const char *base, struct MHD_Response **out);

#endif
