/* The extensions of a ClientHello: the same bytes as server_name and as ALPN. */
#include <stdint.h>
#include <stdlib.h>

#include "pebble-compat/challtestsrv/hello.h"

int LLVMFuzzerTestOneInput(const uint8_t *, size_t);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct slice	 extension = slice_of(data, size), name = hello_server_name(extension);
	json_t		*protocols = hello_protocols(extension);

	if (name.len > 0 && (name.data < data || name.data + name.len > data + size))
		abort();
	if (hello_is_acme(extension) && json_array_size(protocols) != 1)
		abort();
	json_decref(protocols);
	return 0;
}
