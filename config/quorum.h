/* quorum.h: how many perspectives have to agree. va decides by it when a validation is over, and ca counts for
 * itself. Pure.
 *
 * A set of perspectives is a mask: bit i is va.perspectives[i]. The primary is none of them: it must agree in any
 * case. */
#ifndef SIGNET_CONFIG_QUORUM_H
#define SIGNET_CONFIG_QUORUM_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"

#define QUORUM_BY_NUMBER (-1)	/* of va.quorum.failures */

/* How many may fail. */
size_t	quorum_failures(const struct va_config *);
/* Whether these are enough. Always, when none are configured. */
bool	quorum_reached(const struct va_config *, uint32_t agreed);
/* Whether they can't be enough any more, whatever those say that are in neither set. */
bool	quorum_lost(const struct va_config *, uint32_t failed);

#endif
