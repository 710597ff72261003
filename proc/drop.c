/* Which rights a role gives up before it meets the world. Order matters: what needs root comes first, and
 * a change of user resets the parent-death signal and the dumpable flag, so these are set after it. */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/log.h"
#include "proc/drop.h"
#include "proc/proc.h"
#include "proc/sanitized.h"
#include "proc/user.h"

/* Connections of wfe and sockets of va: 2,000 idle clients are nothing special; thirty times that. */
#define FILES_WANTED 65536

static bool changed_root;

static _Noreturn void
drop_failed(const char *step)
{
	log_event(LOG_ERROR, "can't drop privileges", F_STR("step", step), F_STR("error", strerror(errno)),
	    F_STR("remedy", "start as a plain user, or as root with CAP_SYS_CHROOT, CAP_SETUID, CAP_SETGID, "
			    "CAP_SETPCAP and CAP_CHOWN"));
	_exit(1);
}

static void
drop_limits(void)
{
	struct rlimit core = { 0, 0 };
	struct rlimit files;

	if (setrlimit(RLIMIT_CORE, &core) != 0 || getrlimit(RLIMIT_NOFILE, &files) != 0)
		drop_failed("limits");
	if (files.rlim_max < FILES_WANTED) {
		struct rlimit more = { FILES_WANTED, FILES_WANTED };

		if (setrlimit(RLIMIT_NOFILE, &more) == 0)
			return;
	}
	files.rlim_cur = files.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &files) != 0)
		drop_failed("limit on descriptors");
}

/* A folder that is removed while it is our root: empty, and nothing can ever be made in it. */
static void
enter_empty_root(void)
{
	static const char *const places[] = { "/run/signet-XXXXXX", "/tmp/signet-XXXXXX",
		"/dev/shm/signet-XXXXXX" };
	char path[32];

	for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
		strcpy(path, places[i]);
		if (mkdtemp(path) == NULL)
			continue;
		if (chdir(path) != 0 || rmdir(path) != 0 || chroot(".") != 0)
			drop_failed("empty root folder");
		return;
	}
	drop_failed("making an empty root folder in /run, /tmp or /dev/shm");
}

static void
drop_root(const struct proc *p)
{
	struct proc_user user = proc_user(p->role);

	if (p->root == NULL)
		enter_empty_root();
	else if (chroot(p->root) != 0)
		drop_failed("root folder");
	if (chdir("/") != 0)
		drop_failed("root folder");
	changed_root = true;
	for (unsigned long cap = 0; prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) == 0 || errno != EINVAL; cap++) {
		if (errno == EPERM && prctl(PR_CAPBSET_READ, cap, 0, 0, 0) == 1)
			drop_failed("capability bounding set");
	}
	if (setgroups(0, NULL) != 0 || setresgid(user.gid, user.gid, user.gid) != 0 ||
	    setresuid(user.uid, user.uid, user.uid) != 0)
		drop_failed("change of user");
	if (setresuid(0, 0, 0) == 0 || geteuid() == 0 || getuid() == 0)
		drop_failed("change of user did not last");
}

static void
drop_capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct	none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	if (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) != 0 ||
	    syscall(SYS_capset, &header, none) != 0)
		drop_failed("capabilities");
}

void
proc_drop(const struct proc *p)
{
	pid_t parent = getppid();

	drop_limits();
	if (geteuid() == 0)
		drop_root(p);
	drop_capabilities();
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0 ||
	    prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) != 0)
		drop_failed("process flags");
	/* Killed before the line above, the supervisor would not be missed. */
	if (getppid() != parent)
		_exit(0);
}

/* What the supervisor does as root: give folders away, open keys that belong to others, kill roles, change
 * user and root directory, low ports, large socket buffers, limits. */
#define BIT(cap) (UINT64_C(1) << (cap))
#define NEEDED (BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | \
	BIT(CAP_KILL) | BIT(CAP_SETGID) | BIT(CAP_SETUID) | BIT(CAP_SETPCAP) | BIT(CAP_NET_BIND_SERVICE) | \
	BIT(CAP_NET_ADMIN) | BIT(CAP_SYS_CHROOT) | BIT(CAP_SYS_RESOURCE))

static bool
keep_needed(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct	set[_LINUX_CAPABILITY_U32S_3];

	for (unsigned cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		if ((NEEDED & BIT(cap)) == 0 && prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) != 0)
			return errno == EPERM;	/* a container that keeps CAP_SETPCAP keeps little else */
	}
	if (syscall(SYS_capget, &header, set) != 0)
		return false;
	for (unsigned i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		uint32_t needed = (uint32_t)(NEEDED >> (32 * i));

		set[i].effective &= needed;
		set[i].permitted &= needed;
		set[i].inheritable = 0;
	}
	return syscall(SYS_capset, &header, set) == 0;
}

bool
drop_unneeded(void)
{
	struct rlimit core = { 0, 0 };

	if (setrlimit(RLIMIT_CORE, &core) != 0 || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
		return false;
	if (geteuid() == 0 && !keep_needed())
		return false;
	/* LeakSanitizer needs a process that can be traced. */
	return SANITIZED || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) == 0;
}

const char *
proc_visible(const struct proc *p)
{
	return changed_root && p->root != NULL ? "/" : p->root;
}
