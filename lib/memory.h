/* memory.h: what happens when there is no memory. Our own code returns ERR_MEMORY. Inside OpenSSL and jansson, and
 * where bytes are gathered in a buf, the want of memory looks like bad input, which the client would be blamed for; so
 * there it ends the process, and a role that ends is started again. */
#ifndef SIGNET_LIB_MEMORY_H
#define SIGNET_LIB_MEMORY_H

#include <stddef.h>

#include "lib/err.h"

/* From now on so. To be called before either library allocates anything. */
void memory_strict(void);

/* malloc(), for bufs. NULL only before memory_strict(). */
void *memory_get(size_t);

/* There is none, and nobody to tell: the process ends, with a word on standard error. */
_Noreturn void memory_out(void);

/* err, unless that is ERR_MEMORY: then the process ends too. For who has nobody to tell. */
enum err memory_checked(enum err);

#endif
