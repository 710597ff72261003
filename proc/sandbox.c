/* The seccomp filter: an allow list. What every role needs stands here; what one role needs beyond that
 * stands beside its main function. The default action kills the process. */
#include "proc/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "lib/log.h"
#include "proc/landlock.h"
#include "proc/sanitized.h"
#include "proc/trace.h"

static const char *const common[] = {
	/* descriptors that are open already */
	"read", "write", "writev", "close", "fstat", "lseek",
	"sendto", "recvfrom", "sendmsg", "recvmsg",
	"poll", "ppoll", "epoll_create1", "epoll_ctl", "epoll_wait", "epoll_pwait",
	/* memory; mmap and mprotect are below */
	"munmap", "mremap", "madvise", "brk",
	/* threads; clone is below */
	"futex", "set_robust_list", "rseq", "sched_yield", "sched_getaffinity", "gettid", "exit",
	/* signals and the end; tgkill is below */
	"rt_sigreturn", "rt_sigaction", "rt_sigprocmask", "restart_syscall", "exit_group",
	/* time, for when the vDSO can't serve it */
	"clock_gettime", "clock_getres", "gettimeofday", "time", "clock_nanosleep", "nanosleep",
	/* questions that give nothing away; sysinfo is how glibc's qsort sizes its memory */
	"getrandom", "getpid", "getuid", "geteuid", "getgid", "getegid", "sysinfo",
#if SANITIZED
	"sigaltstack", "prctl", "prlimit64", "mincore", "open", "openat", "readlink", "readlinkat", "stat",
	"newfstatat", "getdents64", "access", "pipe2", "tgkill", "uname", "getcwd", "getppid", "getrusage",
#endif
	NULL
};

static _Noreturn void
sandbox_failed(const char *step, int error)
{
	log_event(LOG_ERROR, "can't enter the sandbox", F_STR("step", step), F_STR("error", strerror(error)),
	    F_STR("remedy", "signet needs a Linux kernel and a container that allow seccomp filters"));
	_exit(1);
}

static void
allow_names(scmp_filter_ctx filter, const char *const *names)
{
	for (; names != NULL && *names != NULL; names++) {
		int number = seccomp_syscall_resolve_name(*names);
		int err;

		if (number == __NR_SCMP_ERROR)
			sandbox_failed(*names, EINVAL);	/* a misspelt list: our bug */
		if ((err = seccomp_rule_add(filter, SCMP_ACT_ALLOW, number, 0)) != 0)
			sandbox_failed(*names, -err);
	}
}

static void
allow_if(scmp_filter_ctx filter, uint32_t action, int number, struct scmp_arg_cmp condition)
{
	int err = seccomp_rule_add_array(filter, action, number, 1, &condition);

	if (err != 0)
		sandbox_failed("rule with an argument", -err);
}

/* Calls that are harmless only with some arguments. */
static void
allow_arguments(scmp_filter_ctx filter)
{
	const scmp_datum_t own = (scmp_datum_t)getpid();
	int		   err;

	/* Never memory that can be executed. */
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(mmap), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(mprotect), SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0));
	/* Threads, but no process. clone3 hides its flags behind a pointer; glibc falls back to clone. */
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(clone),
	    SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD));
	if ((err = seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0)) != 0)
		sandbox_failed("clone3", -err);
	/* abort() and nothing else. */
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(tgkill), SCMP_A0(SCMP_CMP_EQ, own, 0));
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(prctl), SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME, 0));
	/* glibc's fstat(). */
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(newfstatat),
	    SCMP_A3(SCMP_CMP_MASKED_EQ, AT_EMPTY_PATH, AT_EMPTY_PATH));
}

static bool
listed(const char *const *names, const char *name)
{
	for (; names != NULL && *names != NULL; names++) {
		if (strcmp(*names, name) == 0)
			return true;
	}
	return false;
}

/* When a thread's heap shrinks for the first time, glibc looks at /proc/sys/vm/overcommit_memory, and does
 * without when it can't. A role that opens no file gets that answer for this way of opening one, where it
 * could live with nothing better; any other way still kills. */
static void
refuse_malloc(scmp_filter_ctx filter, const struct sandbox *sandbox)
{
	if (!SANITIZED && !listed(sandbox->allow, "openat"))
		allow_if(filter, SCMP_ACT_ERRNO(EACCES), SCMP_SYS(openat),
		    SCMP_A2(SCMP_CMP_EQ, O_RDONLY | O_CLOEXEC, 0));
}

/* What connects to the internet does so by these two families: a Unix socket would reach whatever listens
 * on this machine, and Landlock knows no rule for it. */
static void
allow_internet(scmp_filter_ctx filter)
{
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET, 0));
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(socket), SCMP_A0(SCMP_CMP_EQ, AF_INET6, 0));
	/* libuv's nonblocking sockets. TIOCSTI would type into the terminal that standard error may be. */
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONBIO, 0));
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIOCLEX, 0));
	allow_if(filter, SCMP_ACT_ALLOW, SCMP_SYS(ioctl), SCMP_A1(SCMP_CMP_EQ, FIONREAD, 0));
}

/* Tracing spares the thread that listens, so that filter is for this thread and those it starts later. */
static void
filter_enter(const struct sandbox *sandbox, bool tracing)
{
	scmp_filter_ctx filter = seccomp_init(tracing ? SCMP_ACT_NOTIFY : SCMP_ACT_KILL_PROCESS);
	int		err, fd;

	if (filter == NULL)
		sandbox_failed("seccomp", ENOMEM);
	if (!tracing && (err = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1)) != 0)
		sandbox_failed("seccomp for all threads", -err);
	allow_names(filter, common);
	allow_names(filter, sandbox->allow);
	allow_arguments(filter);
	refuse_malloc(filter, sandbox);
	if (sandbox->tcp_connect)
		allow_internet(filter);
	if ((err = seccomp_load(filter)) != 0)
		sandbox_failed("seccomp", -err);
	if (tracing) {
		if ((fd = seccomp_notify_fd(filter)) < 0)
			sandbox_failed("seccomp trace", -fd);
		trace_follow(fd);
	}
	seccomp_release(filter);
}

void
sandbox_enter(const struct sandbox *sandbox)
{
	bool	 tracing = trace_wanted();
	enum err err;

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		sandbox_failed("no_new_privs", errno);
	if (tracing && !trace_start(sandbox->role))
		sandbox_failed("trace thread", errno);
	err = landlock_enter(sandbox);
	if (err == ERR_UNSUPPORTED)
		log_event(LOG_WARNING, "no Landlock", F_STR("sandbox", sandbox->role),
		    F_STR("remedy", "the other fences hold; for this one use Linux 5.13 or newer with "
				    "landlock in the kernel's lsm= list"));
	else if (err != ERR_OK)
		sandbox_failed("Landlock", errno);
	filter_enter(sandbox, tracing);
}
