/* folder.h: where a run of the test CA has all its state: in memory, where there is a file system for it. */
#ifndef SIGNET_PEBBLE_FOLDER_H
#define SIGNET_PEBBLE_FOLDER_H

#include <stdbool.h>

#define FOLDER_SIZE 64		/* a long TMPDIR would not fit a socket's name */

/* Makes one for this process, and removes those of its user's runs that were killed and could not remove theirs.
 * false: neither /dev/shm nor /tmp can be written. */
bool	folder_make(char out[FOLDER_SIZE]);
void	folder_remove(const char *folder);

#endif
