#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "cmd/findings.h"
#include "config/quorum.h"
#include "lib/address.h"

/* 0, or errno: whether this machine has the address. */
static int
try_source(const char *text)
{
	struct sockaddr_in	v4 = { .sin_family = AF_INET };
	struct sockaddr_in6	v6 = { .sin6_family = AF_INET6 };
	bool			is_v4 = inet_pton(AF_INET, text, &v4.sin_addr) == 1;
	int			fd, err;

	if (!is_v4 && inet_pton(AF_INET6, text, &v6.sin6_addr) != 1)
		return EINVAL;
	if ((fd = socket(is_v4 ? AF_INET : AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0)) < 0)
		return errno;
	err = (is_v4 ? bind(fd, (const struct sockaddr *)&v4, sizeof(v4))
		     : bind(fd, (const struct sockaddr *)&v6, sizeof(v6))) == 0 ? 0 : errno;
	close(fd);
	return err;
}

void
findings_perspectives(struct findings *f, const struct config *config)
{
	const struct va_config	*va = &config->va;
	size_t			 remote = 0;
	int			 err;

	if (va->perspective_count == 0)
		return;
	for (size_t i = 0; i < va->perspective_count; i++) {
		const struct perspective_config *one = &va->perspectives[i];

		remote += one->address[0] != '\0';
		if (one->source[0] != '\0' && (err = try_source(one->source)) != 0)
			finding(f, FINDING_PROBLEM, "va.perspectives", "%s: this machine has no address %s (%s); write one it has",
			    one->name, one->source, strerror(err));
	}
	if (remote == 0)
		finding(f, FINDING_NOTE, "va.perspectives", "all %zu are on this machine: they see a hijacked path, but "
		    "who takes over va speaks for them too", va->perspective_count);
	finding(f, FINDING_OK, "va.perspectives", "%zu, %zu of them on other machines; %zu may fail", va->perspective_count,
	    remote, quorum_failures(va));
}

void
findings_own_perspective(struct findings *f, const struct config *config, const char *file)
{
	if (findings_private(f, "perspective", file))
		finding(f, FINDING_OK, "perspective.name", "%s, asked by the holder of %s", config->perspective.name,
		    config->perspective.primary_key);
}
