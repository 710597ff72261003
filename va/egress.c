#include "va/egress.h"

#include <errno.h>

bool
egress_bind(const struct egress *egress, int fd, int family)
{
	struct sockaddr_storage from;

	if (egress->source.family == 0)
		return true;
	errno = EADDRNOTAVAIL;
	if (egress->source.family != family)
		return false;
	return bind(fd, (const struct sockaddr *)&from, address_sockaddr(&egress->source, 0, &from)) == 0;
}
