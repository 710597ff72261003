"""What a process and its descendants hold in memory, as the kernel counts it (/proc/PID/smaps_rollup)."""
import os

FIELDS = ("Rss", "Pss", "Pss_Anon", "Pss_File", "Pss_Shmem")


def children(pid):
    found = []
    try:
        tasks = os.listdir(f"/proc/{pid}/task")
        for task in tasks:
            with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as f:
                found += map(int, f.read().split())
    except OSError:
        pass
    return found


def tree(pid):
    """pid and all below it."""
    return [pid] + [p for child in children(pid) for p in tree(child)]


def name(pid):
    with open(f"/proc/{pid}/cmdline", "rb") as f:
        words = f.read().decode().split("\0")
    return words[2] if len(words) > 2 and words[1] == "role" else "supervisor"


def of(pid):
    """MiB by field. Rss counts a page that processes share in each of them, Pss its part of it."""
    with open(f"/proc/{pid}/smaps_rollup", encoding="ascii") as f:
        lines = dict(line.split(":", 1) for line in f.read().splitlines()[1:])
    return {field: int(lines[field].split()[0]) / 1024 for field in FIELDS}


def of_tree(pid):
    """{"role": {field: MiB}}, with "all" for their sum."""
    roles = {name(p): of(p) for p in tree(pid)}
    roles["all"] = {field: sum(role[field] for role in roles.values()) for field in FIELDS}
    return roles
