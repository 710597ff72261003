/* file.h: whole small files. */
#ifndef SIGNET_LIB_FILE_H
#define SIGNET_LIB_FILE_H

#include <sys/types.h>

#include "lib/buf.h"
#include "lib/err.h"

/* Appends the file's bytes. ERR_NOT_FOUND, ERR_IO (errno tells), ERR_TOO_LARGE over max. */
enum err file_read(const char *path, size_t max, struct buf *out);
/* Creates path with mode and the bytes, fsynced, its folder too. ERR_EXISTS when it is there: it
 * never overwrites. ERR_IO. */
enum err file_create(const char *path, mode_t mode, struct slice);
/* dir + "/" + name, or name when it is absolute, on the heap; NULL: out of memory. */
char	*file_join(const char *dir, const char *name);

#endif
