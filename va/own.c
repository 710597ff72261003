#include "va/own.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

struct own {
	int fd;
	uint32_t number; /* of the last question */
};

/* rtnetlink(7): which route leads to an address. */
struct route_question {
	struct nlmsghdr head;
	struct rtmsg route;
	struct rtattr to;
	uint8_t address[16];
};
_Static_assert(sizeof(struct route_question) == NLMSG_HDRLEN + NLMSG_ALIGN(sizeof(struct rtmsg)) + RTA_LENGTH(16),
    "no padding but netlink's");

struct own *
own_new(void)
{
	struct own *own = calloc(1, sizeof(*own));

	if (own == NULL)
		return NULL;
	own->fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_ROUTE);
	if (own->fd >= 0)
		return own;
	log_event(LOG_WARNING, "addresses that come up later are not known to be this machine's",
	    F_STR("cause", strerror(errno)));
	free(own);
	return NULL;
}

void
own_free(struct own *own)
{
	if (own == NULL)
		return;
	close(own->fd);
	free(own);
}

/* Within the call that asks the kernel answers. */
static bool
own_ask(struct own *own, const struct address *address)
{
	size_t size = address_size(address);
	struct route_question q = {
		.head = { .nlmsg_type = RTM_GETROUTE, .nlmsg_flags = NLM_F_REQUEST, .nlmsg_seq = ++own->number },
		.route = { .rtm_family = (unsigned char)address->family, .rtm_dst_len = (unsigned char)(size * 8) },
		.to = { .rta_len = (unsigned short)RTA_LENGTH(size), .rta_type = RTA_DST } };
	size_t len = sizeof(q) - sizeof(q.address) + size;

	q.head.nlmsg_len = (uint32_t)len;
	memcpy(q.address, address->bytes, size);
	return send(own->fd, &q, len, 0) == (ssize_t)len;
}

bool
own_has(void *arg, const struct address *address)
{
	struct own *own = arg;
	struct nlmsghdr head;
	struct rtmsg route;
	uint8_t reply[4096];
	ssize_t len;

	if (!own_ask(own, address))
		return false;
	while ((len = recv(own->fd, reply, sizeof(reply), 0)) >= (ssize_t)sizeof(head)) {
		memcpy(&head, reply, sizeof(head));
		if (head.nlmsg_seq != own->number)
			continue;
		if (head.nlmsg_type != RTM_NEWROUTE || len < (ssize_t)(NLMSG_HDRLEN + sizeof(route))) /* an error: no way there */
			return false;
		memcpy(&route, reply + NLMSG_HDRLEN, sizeof(route));
		return route.rtm_type == RTN_LOCAL;
	}
	return false;
}
