#include "tests/bench/usage.h"

#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static size_t
slurp(pid_t pid, const char *name, char *out, size_t size)
{
	char path[64];
	FILE *f;
	size_t n;

	snprintf(path, sizeof(path), "/proc/%d/%s", (int)pid, name);
	if ((f = fopen(path, "r")) == NULL)
		return 0;
	n = fread(out, 1, size - 1, f);
	fclose(f);
	out[n] = '\0';
	return n;
}

static bool
read_times(pid_t pid, pid_t *parent, double *user, double *system)
{
	char line[1024];
	const char *at;
	unsigned long u, s;
	int ppid;
	double tick = (double)sysconf(_SC_CLK_TCK);

	/* The name in parentheses may hold anything, so the fields count from the last one. */
	if (slurp(pid, "stat", line, sizeof(line)) == 0 || (at = strrchr(line, ')')) == NULL ||
	    sscanf(at + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %lu %lu", &ppid, &u, &s) != 3)
		return false;
	*parent = ppid;
	*user = (double)u / tick;
	*system = (double)s / tick;
	return true;
}

static long
status_kib(const char *status, const char *key)
{
	const char *at = strstr(status, key);

	return at == NULL ? 0 : strtol(at + strlen(key), NULL, 10);
}

/* The program's base name and up to two words after it that are no options. */
static void
read_name(pid_t pid, char *name, size_t size)
{
	char line[512];
	size_t n = slurp(pid, "cmdline", line, sizeof(line)), used = 0;
	const char *end = line + n, *slash;

	name[0] = '\0';
	for (const char *at = line; at < end && used < 3; at += strlen(at) + 1, used++) {
		if (used == 0 && (slash = strrchr(at, '/')) != NULL)
			at = slash + 1;
		if (used > 0 && !isalpha((unsigned char)*at))
			break;
		snprintf(name + strlen(name), size - strlen(name), "%s%s", used > 0 ? " " : "", at);
	}
}

static void
take_one(pid_t pid, struct usage *u)
{
	struct usage_process *p;
	char status[4096];
	pid_t parent;

	for (size_t i = 0; i < u->count; i++)
		if (u->processes[i].pid == pid)
			return;
	if (u->count == USAGE_MAX)
		return;
	p = &u->processes[u->count];
	if (!read_times(pid, &parent, &p->user, &p->system))
		return;
	p->pid = pid;
	read_name(pid, p->name, sizeof(p->name));
	if (slurp(pid, "status", status, sizeof(status)) > 0) {
		p->resident = status_kib(status, "VmRSS:");
		p->peak = status_kib(status, "VmHWM:");
	}
	if (slurp(pid, "smaps_rollup", status, sizeof(status)) > 0)
		p->share = status_kib(status, "Pss:");
	u->count++;
}

/* Children have larger ids than parents only until ids wrap; so go round until nothing is added. */
static void
take_tree(pid_t root, struct usage *u)
{
	size_t had, first = u->count;

	take_one(root, u);
	do {
		DIR *dir = opendir("/proc");
		struct dirent *entry;

		had = u->count;
		while (dir != NULL && (entry = readdir(dir)) != NULL) {
			pid_t pid = (pid_t)atoi(entry->d_name), parent;
			double user, system;

			if (pid <= 0 || !read_times(pid, &parent, &user, &system))
				continue;
			for (size_t i = first; i < u->count; i++)
				if (u->processes[i].pid == parent) {
					take_one(pid, u);
					break;
				}
		}
		if (dir != NULL)
			closedir(dir);
	} while (u->count != had);
}

void
usage_take(const struct options *o, struct usage *u)
{
	memset(u, 0, sizeof(*u));
	for (size_t i = 0; i < o->pid_count; i++)
		take_one(o->pids[i], u);
	if (o->tree != 0)
		take_tree(o->tree, u);
}

static void
difference(const struct usage *before, const struct usage_process *p, double *user, double *system)
{
	*user = p->user * 1000;
	*system = p->system * 1000;
	for (size_t i = 0; i < before->count; i++)
		if (before->processes[i].pid == p->pid) {
			*user -= before->processes[i].user * 1000;
			*system -= before->processes[i].system * 1000;
		}
}

double
usage_total_ms(const struct usage *before, const struct usage *after)
{
	double total = 0, user, system;

	for (size_t i = 0; i < after->count; i++) {
		difference(before, &after->processes[i], &user, &system);
		total += user + system;
	}
	return total;
}

json_t *
usage_json(const struct usage *before, const struct usage *after, unsigned long issued)
{
	json_t *list = json_array();
	double each = issued > 0 ? (double)issued : 1, user, system;
	long resident = 0, share = 0;

	for (size_t i = 0; i < after->count; i++) {
		const struct usage_process *p = &after->processes[i];

		difference(before, p, &user, &system);
		resident += p->resident;
		share += p->share;
		json_array_append_new(list,
		    json_pack("{s:i, s:s, s:f, s:f, s:f, s:I, s:I, s:I}", "pid", (int)p->pid, "name", p->name,
			"user_ms", user / each, "system_ms", system / each, "cpu_ms", (user + system) / each,
			"resident_kib", (json_int_t)p->resident, "peak_kib", (json_int_t)p->peak, "pss_kib", (json_int_t)p->share));
	}
	return json_pack("{s:f, s:I, s:I, s:o}", "cpu_ms", usage_total_ms(before, after) / each, "resident_kib",
	    (json_int_t)resident, "pss_kib", (json_int_t)share, "processes", list);
}
