#include "ipc/channel.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "lib/log.h"

/* Before each body: the type, and 0xac5e as a guard against a descriptor that is no channel at all. */
#define HEADER_SIZE 4
#define GUARD_HIGH 0xac
#define GUARD_LOW 0x5e
/* In the type's high byte: another packet of this message follows. */
#define MORE 0x80

struct channel {
	int		 fd;
	enum role	 self, peer;
	bool		 shared;	/* fd is the original's */
	uint8_t		*packet;	/* the last one received, HEADER_SIZE + MSG_MAX; made on first use */
	struct buf	 parts;		/* of a message of several packets, received so far */
	bool		 whole;		/* all of it is there, and was handed out */
	enum msg_type	 parts_type;
	pthread_mutex_t	*sending;	/* the original's: packets of one message follow one another */
	pthread_mutex_t	 lock;
};

struct channel *
channel_new(int fd, enum role self, enum role peer)
{
	struct channel *channel = calloc(1, sizeof(*channel));

	if (channel == NULL)
		return NULL;
	channel->fd = fd;
	channel->self = self;
	channel->peer = peer;
	pthread_mutex_init(&channel->lock, NULL);
	channel->sending = &channel->lock;
	return channel;
}

struct channel *
channel_share(const struct channel *original)
{
	struct channel *channel = channel_new(original->fd, original->self, original->peer);

	if (channel != NULL) {
		channel->shared = true;
		channel->sending = original->sending;
	}
	return channel;
}

void
channel_free(struct channel *channel)
{
	if (channel == NULL)
		return;
	if (!channel->shared)
		close(channel->fd);
	free(channel->packet);
	buf_free(&channel->parts);
	pthread_mutex_destroy(&channel->lock);
	free(channel);
}

int
channel_fd(const struct channel *channel)
{
	return channel->fd;
}

enum role
channel_peer(const struct channel *channel)
{
	return channel->peer;
}

/* Whether msg.h's table lets from say this to to. */
static const struct msg_entry *
allowed(unsigned type, enum role from, enum role to, size_t len)
{
	const struct msg_entry *entry = msg_entry(type);

	if (entry == NULL || (entry->from & ROLE_BIT(from)) == 0 || (entry->to & ROLE_BIT(to)) == 0 ||
	    len > entry->max)
		return NULL;
	return entry;
}

static enum err
send_packet(struct channel *channel, enum msg_type type, bool more, struct slice part, int flags)
{
	uint8_t		header[HEADER_SIZE] = { GUARD_HIGH, GUARD_LOW, (uint8_t)(type >> 8), (uint8_t)type };
	struct iovec	iov[2] = { { header, sizeof(header) }, { (void *)(uintptr_t)part.data, part.len } };
	struct msghdr	packet = { .msg_iov = iov, .msg_iovlen = part.len > 0 ? 2 : 1 };

	header[2] |= more ? MORE : 0;
	for (;;) {
		if (sendmsg(channel->fd, &packet, flags | MSG_NOSIGNAL) >= 0)
			return ERR_OK;
		if (errno == EINTR)
			continue;
		if (errno == EAGAIN || errno == EWOULDBLOCK)
			return ERR_BUSY;
		if (errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN)
			return ERR_CLOSED;
		log_event(LOG_ERROR, "sending a message failed", F_STR("type", msg_entry(type)->name),
		    F_STR("error", strerror(errno)));
		return ERR_IO;
	}
}

static struct slice
body_of(struct channel *channel, enum msg_type type, const struct buf *body)
{
	struct slice bytes = body != NULL ? buf_slice(body) : slice_of(NULL, 0);

	if (allowed(type, channel->self, channel->peer, bytes.len) == NULL) {
		log_event(LOG_ERROR, "our own message breaks the table", F_INT("type", type),
		    F_STR("from", role_name(channel->self)), F_STR("to", role_name(channel->peer)),
		    F_INT("bytes", bytes.len));
		abort();
	}
	return bytes;
}

enum err
channel_send(struct channel *channel, enum msg_type type, const struct buf *body)
{
	struct slice	rest = body_of(channel, type, body);
	enum err	err;
	bool		more;

	if (body != NULL && body->failed)
		return ERR_MEMORY;
	pthread_mutex_lock(channel->sending);
	do {
		struct slice part = slice_of(rest.data, rest.len < MSG_MAX ? rest.len : MSG_MAX);

		more = part.len < rest.len;
		if (more)
			rest = slice_of(rest.data + part.len, rest.len - part.len);
		err = send_packet(channel, type, more, part, 0);
	} while (more && err == ERR_OK);
	pthread_mutex_unlock(channel->sending);
	return err;
}

enum err
channel_try_send(struct channel *channel, enum msg_type type, const struct buf *body)
{
	struct slice	bytes = body_of(channel, type, body);
	enum err	err;

	if (body != NULL && body->failed)
		return ERR_MEMORY;
	if (bytes.len > MSG_MAX)
		abort();	/* half of it would have gone */
	if (pthread_mutex_trylock(channel->sending) != 0)
		return ERR_BUSY;
	err = send_packet(channel, type, false, bytes, MSG_DONTWAIT);
	pthread_mutex_unlock(channel->sending);
	return err;
}

_Noreturn void
channel_malformed(const struct channel *channel, enum msg_type type)
{
	const struct msg_entry *entry = msg_entry(type);

	log_event(LOG_ERROR, "malformed or misdirected message: this process ends",
	    F_STR("from", role_name(channel->peer)), F_STR("message", entry ? entry->name : "unknown"),
	    F_INT("type", type));
	abort();
}

/* One packet, after its header was looked at; *more: the message goes on in the next. */
static enum err
receive_packet(struct channel *channel, enum msg_type *type, struct slice *body, bool *more, int flags)
{
	struct iovec	iov;
	struct msghdr	packet = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t		n;
	size_t		len;

	if (channel->packet == NULL && (channel->packet = malloc(HEADER_SIZE + MSG_MAX)) == NULL)
		return ERR_MEMORY;
	iov = (struct iovec){ channel->packet, HEADER_SIZE + MSG_MAX };
	while ((n = recvmsg(channel->fd, &packet, flags)) < 0 && errno == EINTR)
		;
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return ERR_BUSY;
	if (n <= 0)
		return ERR_CLOSED;
	len = (size_t)n;
	if (len < HEADER_SIZE || channel->packet[0] != GUARD_HIGH || channel->packet[1] != GUARD_LOW ||
	    (packet.msg_flags & MSG_TRUNC) != 0)
		channel_malformed(channel, 0);
	*more = (channel->packet[2] & MORE) != 0;
	*type = (enum msg_type)((channel->packet[2] & ~MORE) << 8 | channel->packet[3]);
	if (allowed(*type, channel->peer, channel->self, channel->parts.len + len - HEADER_SIZE) == NULL)
		channel_malformed(channel, *type);
	*body = slice_of(channel->packet + HEADER_SIZE, len - HEADER_SIZE);
	return ERR_OK;
}

static enum err
receive(struct channel *channel, enum msg_type *type, struct slice *body, int flags)
{
	enum err	err;
	bool		more;

	if (channel->whole)
		buf_free(&channel->parts);
	channel->whole = false;
	for (;;) {
		if ((err = receive_packet(channel, type, body, &more, flags)) != ERR_OK)
			return err;
		if (!more && channel->parts.len == 0)
			return ERR_OK;	/* one packet, as nearly always */
		/* Nothing comes between the packets of a message, and none of the first ones is empty. */
		if ((more && body->len == 0) || (channel->parts.len > 0 && *type != channel->parts_type))
			channel_malformed(channel, *type);
		channel->parts_type = *type;
		buf_put(&channel->parts, body->data, body->len);
		if (channel->parts.failed)
			return ERR_MEMORY;
		if (!more)
			break;
	}
	channel->whole = true;
	*body = buf_slice(&channel->parts);
	return ERR_OK;
}

enum err
channel_receive(struct channel *channel, enum msg_type *type, struct slice *body)
{
	return receive(channel, type, body, 0);
}

enum err
channel_try_receive(struct channel *channel, enum msg_type *type, struct slice *body)
{
	return receive(channel, type, body, MSG_DONTWAIT);
}
