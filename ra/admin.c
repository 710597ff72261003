/* admin.c: the socket and its clients. A client is in one of these states, and a request goes round:
 *
 *            a line                out is sent, more to come
 *   READING ────────▶ WORKING ◀───────────────────────────── WRITING
 *      ▲                 └───────────── a page ─────────────▶ │
 *      └─────────────────────── out is sent, that was all ────┘
 */
#include "ra/admin.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "lib/clock.h"
#include "lib/log.h"
#include "ra/ra.h"

#define CLIENTS_MAX 8		/* a few people and their scripts; each may hold ADMIN_LINE_MAX and a page of rows */
#define PATIENCE_MS 60000	/* for a request, and for a client that doesn't read */
#define READ_SIZE 4096
#define WAIT_MS 50		/* until a command that waits for va is looked at again */

enum state { STATE_FREE, STATE_READING, STATE_WORKING, STATE_WRITING };

struct client {
	struct ra		*ra;
	enum state		 state;
	int			 fd;
	int64_t			 until;	/* clock_monotonic_ms() */
	struct buf		 in, out;
	size_t			 sent;
	struct admin_request	 request;
	struct admin_call	 call;
};

struct admin {
	struct ra		*ra;
	uid_t			 owner;		/* of the data folder */
	int			 listener, wake;	/* wake: it shall look whether ra stops */
	pthread_t		 thread;
	struct client		 clients[CLIENTS_MAX];
};

/* --- the socket ---------------------------------------------------------------------------------- */

/* Relative to the folder, since the address of a Unix socket has room for 107 bytes. The process is still single, so
 * umask and working folder are nobody else's. */
static int
listen_in(const char *folder, uid_t *owner)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = ADMIN_SOCKET };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	mode_t before;
	bool done;

	if (fd < 0)
		return -1;
	before = umask(0177);
	done = chdir(folder) == 0 && stat(".", &st) == 0 && (unlink(ADMIN_SOCKET) == 0 || errno == ENOENT) &&
	    bind(fd, (const struct sockaddr *)&address, sizeof(address)) == 0 && listen(fd, CLIENTS_MAX) == 0 &&
	    chdir("/") == 0;
	umask(before);
	if (!done) {
		close(fd);
		return -1;
	}
	*owner = st.st_uid;
	return fd;
}

enum err
admin_open(struct ra *ra, const char *folder, struct admin **out, struct reason *reason)
{
	struct admin *admin = calloc(1, sizeof(*admin));

	*out = NULL;
	if (admin == NULL)
		return ERR_MEMORY;
	admin->ra = ra;
	admin->wake = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (admin->wake < 0 || (admin->listener = listen_in(folder, &admin->owner)) < 0) {
		reason_set(reason, "%s/" ADMIN_SOCKET ": %s", folder, strerror(errno));
		free(admin);
		return ERR_IO;
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		admin->clients[i].ra = ra;
		admin->clients[i].fd = -1;
	}
	*out = admin;
	return ERR_OK;
}

/* --- one client ---------------------------------------------------------------------------------- */

/* Without waiting: to a client that has been sent nothing, it is short enough; another one may miss it. */
static void
turn_away(int fd, enum admin_code code, const char *message)
{
	struct buf out = { 0 };

	admin_put_error(&out, code, message);
	if (!out.failed && send(fd, out.data, out.len, MSG_NOSIGNAL) < 0)
		log_event(LOG_DEBUG, "admin: the client is gone", F_STR("error", strerror(errno)));
	buf_free(&out);
	close(fd);
}

static void
client_close(struct client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	buf_free(&client->in);
	buf_cleanse(&client->out);
	admin_request_free(&client->request);
	*client = (struct client){ .ra = client->ra, .fd = -1 };
}

static void
client_wait(struct client *client, enum state state)
{
	client->state = state;
	client->until = clock_monotonic_ms() + PATIENCE_MS;
}

/* Takes the next line out of what was read. False: there is none yet. */
static bool
client_request(struct client *client)
{
	uint8_t *end = client->in.len > 0 ? memchr(client->in.data, '\n', client->in.len) : NULL;
	struct reason reason = { "" };
	uid_t uid = client->call.uid;
	size_t len;
	enum err err;

	if (end == NULL)
		return false;
	len = (size_t)(end - client->in.data);
	err = admin_request_parse(slice_of(client->in.data, len), &client->request, &reason);
	memmove(client->in.data, end + 1, client->in.len - len - 1);
	client->in.len -= len + 1;
	if (err == ERR_OK) {
		client->call = (struct admin_call){ .ra = client->ra, .request = &client->request, .uid = uid,
			.out = &client->out };
		client->state = STATE_WORKING;
		return true;
	}
	admin_put_error(&client->out, ADMIN_MALFORMED, reason.text);
	client_wait(client, STATE_WRITING);
	return true;
}

static void
client_too_long(struct client *client)
{
	turn_away(client->fd, ADMIN_MALFORMED, "a request is one line, and none is longer than 32768 bytes");
	client->fd = -1;
	client_close(client);
}

static void
client_read(struct client *client)
{
	uint8_t bytes[READ_SIZE];
	ssize_t n = recv(client->fd, bytes, sizeof(bytes), 0);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_put(&client->in, bytes, (size_t)n);
	if (n <= 0 || client->in.failed)
		client_close(client);
	else if (!client_request(client) && client->in.len > ADMIN_LINE_MAX)
		client_too_long(client);
}

static void
client_written(struct client *client)
{
	buf_cleanse(&client->out);	/* a new key for external accounts is shown here */
	client->sent = 0;
	if (client->call.more && client->request.json != NULL) {
		client->state = STATE_WORKING;
		return;
	}
	admin_request_free(&client->request);
	client_wait(client, STATE_READING);
	client_request(client);
}

static void
client_write(struct client *client)
{
	ssize_t n;

	n = send(client->fd, client->out.data + client->sent, client->out.len - client->sent, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n < 0) {
		client_close(client);
		return;
	}
	client->sent += (size_t)n;
	client->until = clock_monotonic_ms() + PATIENCE_MS;
	if (client->sent == client->out.len)
		client_written(client);
}

static void
client_work(struct client *client)
{
	admin_call_run(&client->call);
	if (client->out.failed) {
		client_close(client);	/* memory was out: half an answer is none */
		return;
	}
	if (client->call.more && client->call.wait && client->out.len == 0)
		return;			/* it goes on working */
	client_wait(client, STATE_WRITING);
	if (client->out.len == 0)
		client_written(client);	/* a page in which nothing was found */
}

/* --- all of them --------------------------------------------------------------------------------- */

static struct client *
free_client(struct admin *admin)
{
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (admin->clients[i].state == STATE_FREE)
			return &admin->clients[i];
	return NULL;
}

static void
take_client(struct admin *admin)
{
	int fd = accept4(admin->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct client *client = free_client(admin);
	struct ucred peer;
	socklen_t len = sizeof(peer);

	if (fd < 0)
		return;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) != 0 ||
	    (peer.uid != 0 && peer.uid != admin->owner)) {
		log_event(LOG_WARNING, "admin: a stranger was turned away", F_INT("uid", peer.uid));
		turn_away(fd, ADMIN_DENIED, "only root and the owner of the data folder administer this server");
	} else if (client == NULL) {
		turn_away(fd, ADMIN_BUSY, "too many administration commands at once; try again in a moment");
	} else {
		client->fd = fd;
		client->call.uid = peer.uid;
		client_wait(client, STATE_READING);
	}
}

static void
serve_client(struct client *client, short events)
{
	if (client->state == STATE_WORKING)
		client_work(client);
	else if (client->state == STATE_READING && events != 0)
		client_read(client);
	else if (client->state == STATE_WRITING && events != 0)
		client_write(client);
	else if ((client->state == STATE_READING || client->state == STATE_WRITING) &&
	    clock_monotonic_ms() >= client->until)
		client_close(client);
}

static void
wait_for_something(struct admin *admin, struct pollfd fds[CLIENTS_MAX + 2])
{
	int timeout = -1;
	fds[0] = (struct pollfd){ .fd = admin->listener, .events = POLLIN };
	fds[1] = (struct pollfd){ .fd = admin->wake, .events = POLLIN };
	for (size_t i = 0; i < CLIENTS_MAX; i++) {
		const struct client *client = &admin->clients[i];
		bool waits = client->state == STATE_READING || client->state == STATE_WRITING;

		fds[i + 2] = (struct pollfd){ .fd = waits ? client->fd : -1,
			.events = client->state == STATE_READING ? POLLIN : POLLOUT };
		if (client->state == STATE_WORKING && client->call.wait && (timeout < 0 || timeout > WAIT_MS))
			timeout = WAIT_MS;
		else if (client->state == STATE_WORKING && !client->call.wait)
			timeout = 0;
		else if (waits && timeout < 0)
			timeout = 1000;	/* patience is looked at once a second */
	}
	if (poll(fds, CLIENTS_MAX + 2, timeout) < 0 && errno != EINTR)
		abort();
}

static void *
serve(void *arg)
{
	struct admin *admin = arg;
	struct pollfd fds[CLIENTS_MAX + 2];

	while (!atomic_load(&admin->ra->stopping)) {
		wait_for_something(admin, fds);
		for (size_t i = 0; i < CLIENTS_MAX; i++)
			serve_client(&admin->clients[i], fds[i + 2].revents);
		if (fds[0].revents != 0)
			take_client(admin);
	}
	for (size_t i = 0; i < CLIENTS_MAX; i++)
		if (admin->clients[i].state != STATE_FREE)
			client_close(&admin->clients[i]);
	return NULL;
}

enum err
admin_start(struct admin *admin)
{
	return pthread_create(&admin->thread, NULL, serve, admin) == 0 ? ERR_OK : ERR_MEMORY;
}

void
admin_stop(struct admin *admin)
{
	const uint64_t one = 1;

	if (write(admin->wake, &one, sizeof(one)) < 0 && errno != EAGAIN)
		log_event(LOG_ERROR, "admin: can't wake its thread", F_STR("error", strerror(errno)));
	pthread_join(admin->thread, NULL);
}
