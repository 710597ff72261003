/* channel.h: one end of a wire between two roles: a SOCK_SEQPACKET pair, one message a packet; of those that are
 * longer than MSG_MAX several, with nothing between them, to a peer that receives in one thread.
 *
 * Who may say what is msg.h's table. A message of unknown type, from the wrong role, to the wrong role, or
 * over its limit kills the receiver: the peer is broken or captured, and a clean restart is the answer. */
#ifndef SIGNET_IPC_CHANNEL_H
#define SIGNET_IPC_CHANNEL_H

#include "ipc/msg.h"
#include "ipc/role.h"
#include "lib/buf.h"
#include "lib/err.h"

struct channel;

/* Takes fd over. NULL: out of memory. */
struct channel	*channel_new(int fd, enum role self, enum role peer);
void		 channel_free(struct channel *);	/* closes; NULL is fine */
int		 channel_fd(const struct channel *);	/* to poll; still the channel's */
enum role	 channel_peer(const struct channel *);

/* Sends one message; blocks while the peer's buffer is full. From any thread. Aborts when our own message
 * breaks the table (a bug of ours). ERR_CLOSED. */
enum err	 channel_send(struct channel *, enum msg_type, const struct buf *body);
/* The same without blocking, for messages up to MSG_MAX: ERR_BUSY when the buffer is full, and nothing was sent. */
enum err	 channel_try_send(struct channel *, enum msg_type, const struct buf *body);

/* The same wire, for one more thread that receives; freed before its original. NULL: out of memory. */
struct channel	*channel_share(const struct channel *);

/* Receives one message; blocks. body is borrowed until the next receive. One thread only, or each with a channel of
 * its own by channel_share(). ERR_CLOSED. */
enum err	 channel_receive(struct channel *, enum msg_type *, struct slice *body);
/* The same without blocking: ERR_BUSY when there is none. */
enum err	 channel_try_receive(struct channel *, enum msg_type *, struct slice *body);

/* Logs what was wrong with the message and aborts. For decoders that said no. */
_Noreturn void	 channel_malformed(const struct channel *, enum msg_type);

#endif
