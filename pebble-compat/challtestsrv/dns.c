#include "pebble-compat/challtestsrv/dns.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "pebble-compat/challtestsrv/answer.h"
#include "pebble-compat/challtestsrv/stream.h"

#define LENGTH_SIZE 2		/* before each message by TCP: RFC 1035, 4.2.2 */
#define IDLE_MS 5000		/* a resolver that asks again over the same connection does so at once */

struct server {
	uv_poll_t	 poll;		/* of the UDP socket; data is the server */
	struct store	*store;
	int		 fd;
};

/* Whom to answer, and from which of our addresses: the one that was asked, as a resolver checks that. */
struct route {
	struct sockaddr_storage	peer;
	socklen_t		peer_len;
	uint8_t			control[CMSG_SPACE(sizeof(struct in6_pktinfo))] __attribute__((aligned(8)));
	size_t			control_len;
};

/* An answer that takes time: at work on another thread. */
struct slow {
	uv_work_t		 work;		/* data is this */
	struct store		*store;
	struct dns_query	 query;
	struct buf		 reply;
	enum err		 err;
	int			 fd;		/* UDP */
	struct route		 route;
	struct stream		*stream;	/* TCP, and held; else NULL */
};

static void
udp_send(int fd, struct route *route, struct buf *reply)
{
	struct iovec	io = { reply->data, reply->len };
	struct msghdr	head = { .msg_name = &route->peer, .msg_namelen = route->peer_len, .msg_iov = &io,
		.msg_iovlen = 1, .msg_control = route->control_len > 0 ? route->control : NULL,
		.msg_controllen = route->control_len };

	/* Like any datagram it may be lost. */
	if (sendmsg(fd, &head, MSG_DONTWAIT | MSG_NOSIGNAL) == -1 && reply->len > 0)
		return;
}

static void
tcp_send(struct stream *stream, const struct buf *reply)
{
	struct buf framed = { 0 };

	buf_put_byte(&framed, (uint8_t)(reply->len >> 8));
	buf_put_byte(&framed, (uint8_t)reply->len);
	buf_put(&framed, reply->data, reply->len);
	stream_write(stream, &framed);
}

static void
slow_work(uv_work_t *work)
{
	struct slow *slow = work->data;

	slow->err = answer_wait(slow->store, &slow->query, &slow->reply);
}

static void
slow_done(uv_work_t *work, int status)
{
	struct slow *slow = work->data;

	if (status == 0 && slow->err == ERR_OK && slow->stream != NULL)
		tcp_send(slow->stream, &slow->reply);
	else if (status == 0 && slow->err == ERR_OK)
		udp_send(slow->fd, &slow->route, &slow->reply);
	if (slow->stream != NULL)
		stream_release(slow->stream);
	buf_free(&slow->reply);
	free(slow);
}

/* Exactly one of route and stream. */
static void
slow_start(uv_loop_t *loop, struct store *store, const struct dns_query *query, int fd, const struct route *route,
    struct stream *stream)
{
	struct slow *slow = calloc(1, sizeof(*slow));

	if (slow == NULL)
		return;
	*slow = (struct slow){ .store = store, .query = *query, .fd = fd, .stream = stream };
	if (route != NULL)
		slow->route = *route;
	slow->work.data = slow;
	if (stream != NULL)
		stream_hold(stream);
	if (uv_queue_work(loop, &slow->work, slow_work, slow_done) != 0)
		slow_done(&slow->work, UV_ECANCELED);
}

/* Turns the control message round: what was the destination becomes the source. */
static void
route_turn(struct route *route, struct msghdr *head)
{
	struct cmsghdr *c = CMSG_FIRSTHDR(head);

	route->peer_len = head->msg_namelen;
	route->control_len = 0;
	if (c == NULL)
		return;
	if (c->cmsg_level == IPPROTO_IP && c->cmsg_type == IP_PKTINFO) {
		struct in_pktinfo *info = (void *)CMSG_DATA(c);

		info->ipi_spec_dst = info->ipi_addr;
		info->ipi_ifindex = 0;
		route->control_len = CMSG_SPACE(sizeof(*info));
	} else if (c->cmsg_level == IPPROTO_IPV6 && c->cmsg_type == IPV6_PKTINFO) {
		route->control_len = CMSG_SPACE(sizeof(struct in6_pktinfo));
	}
}

/* One datagram. False: there is none any more. */
static bool
udp_take(struct server *server)
{
	uint8_t			 packet[4096];
	struct iovec		 io = { packet, sizeof(packet) };
	struct route		 route;
	struct msghdr		 head = { .msg_name = &route.peer, .msg_namelen = sizeof(route.peer), .msg_iov = &io,
		.msg_iovlen = 1, .msg_control = route.control, .msg_controllen = sizeof(route.control) };
	ssize_t			 len = recvmsg(server->fd, &head, MSG_DONTWAIT);
	struct dns_query	 query;
	struct buf		 reply = { 0 };
	enum err		 err;

	if (len < 0)
		return false;
	route_turn(&route, &head);
	err = answer(server->store, slice_of(packet, (size_t)len), "", &query, &reply);
	if (err == ERR_OK)
		udp_send(server->fd, &route, &reply);
	else if (err == ERR_BUSY)
		slow_start(server->poll.loop, server->store, &query, server->fd, &route, NULL);
	buf_free(&reply);
	return true;
}

static void
on_datagram(uv_poll_t *poll, int status, int events)
{
	/* So many at once that a flood leaves the loop's other work its turn. */
	for (int i = 0; status == 0 && (events & UV_READABLE) && i < 64; i++) {
		if (!udp_take(poll->data))
			break;
	}
}

/* All whole messages in what came; how many bytes they were, or -1 to hang up. */
static ssize_t
on_bytes(struct stream *stream, void *arg, struct slice bytes)
{
	struct store	*store = arg;
	size_t		 at = 0;

	while (bytes.len - at >= LENGTH_SIZE) {
		size_t			 len = (size_t)(bytes.data[at] << 8 | bytes.data[at + 1]);
		struct dns_query	 query;
		struct buf		 reply = { 0 };
		enum err		 err;

		if (bytes.len - at - LENGTH_SIZE < len)
			break;
		err = answer(store, slice_of(bytes.data + at + LENGTH_SIZE, len), "", &query, &reply);
		if (err == ERR_OK)
			tcp_send(stream, &reply);
		else if (err == ERR_BUSY)
			slow_start(stream_loop(stream), store, &query, -1, NULL, stream);
		buf_free(&reply);
		if (err == ERR_CLOSED)
			return -1;
		at += LENGTH_SIZE + len;
	}
	return (ssize_t)at;
}

static const struct stream_service service = {
	.on_bytes = on_bytes, .idle_ms = IDLE_MS, .pending_max = LENGTH_SIZE + DNS_MESSAGE_MAX,
};

enum err
dns_serve(uv_loop_t *loop, struct store *store, int udp, int tcp)
{
	struct server	*server = calloc(1, sizeof(*server));
	int		 on = 1;

	if (server == NULL) {
		close(udp);
		close(tcp);
		return ERR_MEMORY;
	}
	server->store = store;
	server->fd = udp;
	/* Which of them works depends on the socket's family; a dual one has IPv4 by the second too. */
	(void)setsockopt(udp, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	(void)setsockopt(udp, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	if (uv_poll_init(loop, &server->poll, udp) != 0) {
		close(udp);
		close(tcp);
		free(server);
		return ERR_IO;
	}
	server->poll.data = server;
	(void)uv_poll_start(&server->poll, UV_READABLE, on_datagram);
	return stream_serve(loop, &service, store, tcp);
}
