#include "va/egress.h"

#include <errno.h>
#include <string.h>

bool
egress_bind(const struct egress *egress, int fd, int family)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6 };

	if (egress->source.family == 0)
		return true;
	errno = EADDRNOTAVAIL;
	if (egress->source.family != family)
		return false;
	memcpy(&v4.sin_addr, egress->source.bytes, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, egress->source.bytes, sizeof(v6.sin6_addr));
	return family == AF_INET ? bind(fd, (const struct sockaddr *)&v4, sizeof(v4)) == 0
				 : bind(fd, (const struct sockaddr *)&v6, sizeof(v6)) == 0;
}
