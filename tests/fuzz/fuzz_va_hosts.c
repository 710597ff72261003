/* A hosts file. What is found must have been in it. */
#include <stdint.h>
#include <stdlib.h>

#include "va/hosts.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct hosts	*hosts = hosts_read(slice_of(data, size));
	struct address	 found[3];
	size_t		 count = hosts_find(hosts, "a", found, 3);

	if (hosts == NULL || count > 3 || (count > 0 && size < 4))
		abort();
	for (size_t i = 0; i < count; i++) {
		if (address_size(&found[i]) == 0)
			abort();
	}
	hosts_free(hosts);
	return 0;
}
