#include "proc/trace.h"

#include <errno.h>
#include <pthread.h>
#include <seccomp.h>
#include <semaphore.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

#define CALLS_MAX 1024		/* Linux is at about 470 */

static struct {
	const char	*role;
	sem_t		 loaded;
	int		 fd;
	bool		 seen[CALLS_MAX];
} trace;

bool
trace_wanted(void)
{
	const char *value = getenv("SIGNET_SANDBOX_TRACE");

	return value != NULL && strcmp(value, "1") == 0;
}

static void
trace_report(const struct seccomp_notif *call)
{
	char *name;

	if (call->data.nr >= 0 && call->data.nr < CALLS_MAX) {
		if (trace.seen[call->data.nr])
			return;
		trace.seen[call->data.nr] = true;
	}
	name = seccomp_syscall_resolve_num_arch(call->data.arch, call->data.nr);
	log_event(LOG_WARNING, "forbidden system call", F_STR("call", name), F_INT("number", call->data.nr),
	    F_INT("argument0", call->data.args[0]), F_INT("argument1", call->data.args[1]),
	    F_INT("argument2", call->data.args[2]), F_STR("sandbox", trace.role));
	free(name);
}

static void *
trace_loop(void *unused)
{
	struct seccomp_notif		*call = NULL;
	struct seccomp_notif_resp	*answer = NULL;

	(void)unused;
	while (sem_wait(&trace.loaded) != 0)
		;
	if (seccomp_notify_alloc(&call, &answer) != 0)
		abort();
	for (;;) {
		int err;

		memset(call, 0, sizeof(*call));	/* the kernel insists */
		if ((err = seccomp_notify_receive(trace.fd, call)) != 0) {
			if (errno == ENOENT || errno == EINTR)
				continue;	/* the caller was killed meanwhile */
			log_event(LOG_ERROR, "sandbox trace ended", F_STR("error", strerror(errno)));
			abort();
		}
		trace_report(call);
		memset(answer, 0, sizeof(*answer));
		answer->id = call->id;
		answer->flags = SECCOMP_USER_NOTIF_FLAG_CONTINUE;
		(void)seccomp_notify_respond(trace.fd, answer);
	}
	return NULL;
}

bool
trace_start(const char *role)
{
	pthread_t thread;

	trace.role = role;
	if (sem_init(&trace.loaded, 0, 0) != 0)
		return false;
	if ((errno = pthread_create(&thread, NULL, trace_loop, NULL)) != 0)
		return false;
	pthread_detach(thread);
	return true;
}

void
trace_follow(int fd)
{
	trace.fd = fd;
	sem_post(&trace.loaded);
}
