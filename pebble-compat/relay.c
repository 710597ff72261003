#include "pebble-compat/relay.h"

#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "config/config.h"

#define IDLE_MS 20000		/* longer than va waits for any answer */
#define CONNECT_SECONDS 5
#define CHUNK 4096
#define HOST_SIZE 256

struct relay {
	char host[HOST_SIZE], port[8];
};

struct passage {
	const struct relay *relay;
	int		    client;
};

static struct addrinfo *
look_up(const struct relay *relay)
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;

	return getaddrinfo(relay->host, relay->port, &hints, &found) == 0 ? found : NULL;
}

/* -1: nobody is there. */
static int
connect_first(const struct addrinfo *found)
{
	static const struct timeval patience = { .tv_sec = CONNECT_SECONDS };

	for (const struct addrinfo *a = found; a != NULL; a = a->ai_next) {
		int fd = socket(a->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (fd >= 0 && setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)) == 0 &&
		    connect(fd, a->ai_addr, a->ai_addrlen) == 0)
			return fd;
		if (fd >= 0)
			close(fd);
	}
	return -1;
}

/* False: that was the end. */
static bool
pass(int from, int to)
{
	char	bytes[CHUNK];
	ssize_t got = read(from, bytes, sizeof(bytes)), put;

	for (ssize_t done = 0; done < got; done += put)
		if ((put = send(to, bytes + done, (size_t)(got - done), MSG_NOSIGNAL)) <= 0)
			return false;
	return got > 0;
}

static void
pass_both_ways(int client, int server)
{
	struct pollfd fds[2] = { { .fd = client, .events = POLLIN }, { .fd = server, .events = POLLIN } };

	while (poll(fds, 2, IDLE_MS) > 0) {
		if (fds[0].revents != 0 && !pass(client, server))
			return;
		if (fds[1].revents != 0 && !pass(server, client))
			return;
	}
}

static void *
passage_main(void *arg)
{
	struct passage	*passage = arg;
	struct addrinfo *found = look_up(passage->relay);
	int		 server = connect_first(found);

	if (server >= 0) {
		pass_both_ways(passage->client, server);
		close(server);
	}
	if (found != NULL)
		freeaddrinfo(found);
	close(passage->client);
	free(passage);
	return NULL;
}

static void
passage_start(const struct relay *relay, int client)
{
	struct passage *passage = malloc(sizeof(*passage));
	pthread_t	thread;

	if (passage != NULL) {
		*passage = (struct passage){ relay, client };
		if (pthread_create(&thread, NULL, passage_main, passage) == 0) {
			pthread_detach(thread);
			return;
		}
	}
	free(passage);
	close(client);
}

static _Noreturn void
relay_main(const struct relay *relay, int listener, pid_t parent)
{
	static const struct timespec pause = { .tv_nsec = 10000000 };
	int client, null = open("/dev/null", O_RDWR);

	/* Nothing of the parent's stays: who reads its log waits for the last one that may write there. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) != 0 || getppid() != parent || dup2(listener, STDIN_FILENO) < 0 ||
	    dup2(null, STDOUT_FILENO) < 0 || dup2(null, STDERR_FILENO) < 0 || close_range(STDERR_FILENO + 1, ~0U, 0) != 0)
		_exit(1);
	for (;;) {
		client = accept(STDIN_FILENO, NULL, NULL);
		if (client >= 0)
			passage_start(relay, client);
		else if (errno != EINTR && errno != ECONNABORTED)
			nanosleep(&pause, NULL);	/* out of descriptors */
	}
}

/* -1 with errno. */
static int
listen_somewhere(uint16_t *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	socklen_t	   len = sizeof(address);
	int		   fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && (bind(fd, (struct sockaddr *)&address, len) != 0 || listen(fd, SOMAXCONN) != 0 ||
	    getsockname(fd, (struct sockaddr *)&address, &len) != 0)) {
		close(fd);
		return -1;
	}
	*port = ntohs(address.sin_port);
	return fd;
}

enum err
relay_start(const char *server, char out[RELAY_TEXT_SIZE])
{
	struct relay	 relay = { .host = "" };
	struct addrinfo *found;
	uint16_t	 port;
	pid_t		 parent = getpid(), child;
	int		 fd;

	out[0] = '\0';
	if (!config_listen_address(server, relay.host, sizeof(relay.host), &port) || relay.host[0] == '\0')
		return ERR_OK;
	snprintf(relay.port, sizeof(relay.port), "%u", port);
	if ((found = look_up(&relay)) != NULL) {
		freeaddrinfo(found);
		return ERR_OK;
	}
	if ((fd = listen_somewhere(&port)) < 0 || (child = fork()) < 0)
		return ERR_IO;
	if (child == 0)
		relay_main(&relay, fd, parent);
	close(fd);
	snprintf(out, RELAY_TEXT_SIZE, "127.0.0.1:%u", port);
	return ERR_OK;
}
