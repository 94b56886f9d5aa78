"""What Linux offers to lock a process in, called directly: namespaces, capabilities, Landlock, seccomp.

Each function confines the calling process and whatever it starts, for good, or raises OSError; `ready_to_fork` alone
only makes what comes next cheap.
"""

import ctypes
import gc
import os
import platform
import struct

libc = ctypes.CDLL(None, use_errno=True)

NEW_MOUNTS, NEW_CGROUP, NEW_HOSTNAME, NEW_IPC = 0x00020000, 0x02000000, 0x04000000, 0x08000000
NEW_USERS, NEW_PIDS, NEW_NETWORK = 0x10000000, 0x20000000, 0x40000000
ANY_NAMESPACE = NEW_MOUNTS | NEW_CGROUP | NEW_HOSTNAME | NEW_IPC | NEW_USERS | NEW_PIDS | NEW_NETWORK

MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_BIND, MS_REC, MS_PRIVATE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x40000
PR_SET_PDEATHSIG, PR_SET_DUMPABLE, PR_SET_SECCOMP, PR_CAPBSET_DROP, PR_SET_CHILD_SUBREAPER = 1, 4, 22, 24, 36
PR_SET_NO_NEW_PRIVS, PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL = 38, 47, 4
MADV_COLLAPSE, LARGE_PAGE = 25, 1 << 21
LANDLOCK_CREATE_RULESET, LANDLOCK_ADD_RULE, LANDLOCK_RESTRICT_SELF = 444, 445, 446


def _check(result, what):
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option, *values):
    arguments = [ctypes.c_ulong(value) for value in (*values, 0, 0, 0, 0)][:4]
    return _check(libc.prctl(option, *arguments), f"prctl {option}")


def unshare(flags):
    """Leave the given namespaces; the next child is the first process of a new process namespace."""
    _check(libc.unshare(flags), "unshare")


def enter(namespace, flags):
    """Join a namespace, given as an open file of /proc/PID/ns."""
    _check(libc.setns(namespace, flags), "setns")


def mount(source, target, kind="", flags=0, options=""):
    _check(
        libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()),
        f"mount {target}",
    )


def ready_to_fork():
    """Make each fork from here cost a quarter: to be called when everything that forks should have is imported.

    A fork copies its parent's page table, and whatever it writes to. So memory is gathered into large pages, of which
    there are 512 times fewer, where Linux (6.1 and later) does that; and the garbage collector leaves it alone.
    """
    gc.freeze()  # with what garbage there is: looking for it costs more than it takes
    with open("/proc/self/maps") as maps:
        regions = [line.split() for line in maps]
    for addresses, mode, _, _, inode, *name in regions:
        if mode == "rw-p" and inode == "0" and name in ([], ["[heap]"]):
            start, end = (int(address, 16) for address in addresses.split("-"))
            for page in range(-(-start // LARGE_PAGE) * LARGE_PAGE, end - LARGE_PAGE + 1, LARGE_PAGE):
                libc.madvise(ctypes.c_void_p(page), ctypes.c_size_t(LARGE_PAGE), MADV_COLLAPSE)  # some cannot: as well


def die_with_parent():
    prctl(PR_SET_PDEATHSIG, 9)


def forbid_capabilities():
    """No program that this process starts can gain a capability; to be called while it may still change users."""
    for number in range(64):
        if libc.prctl(PR_CAPBSET_DROP, number, 0, 0, 0) < 0 and ctypes.get_errno() == 22:  # EINVAL: past the last one
            break


def drop_capabilities():
    """Give up every capability that this process has."""
    libc.prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0)
    header, nothing = struct.pack("=II", 0x20080522, 0), struct.pack("=6I", *[0] * 6)
    _check(libc.capset(header, nothing), "capset")
    no_new_privileges()


def no_new_privileges():
    prctl(PR_SET_NO_NEW_PRIVS, 1)


# Landlock: which files may be read and written ------------------------------------------------------------------------

EXECUTE, WRITE_FILE, READ_FILE, READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
TRUNCATE, IOCTL_DEVICE = 1 << 14, 1 << 15
RIGHTS_BY_VERSION = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 4: (1 << 15) - 1, 5: (1 << 16) - 1}
NETWORK_RIGHTS = 0b11  # bind and connect of TCP, from version 4
SCOPES = 0b11  # abstract UNIX sockets and signals, from version 6


def landlock_version():
    """0 where the kernel has no Landlock."""
    return max(0, libc.syscall(LANDLOCK_CREATE_RULESET, None, 0, 1))


def landlock(read, write):
    """Allow nothing of the file system but to read and execute below `read`, and everything below `write`."""
    version = landlock_version()
    if not version:
        raise OSError("this kernel has no Landlock")
    rights = RIGHTS_BY_VERSION[min(version, 5)]
    fields = [rights]
    if version >= 4:
        fields.append(NETWORK_RIGHTS)
    if version >= 6:
        fields.append(SCOPES)
    rules = struct.pack(f"={len(fields)}Q", *fields)
    ruleset = _check(libc.syscall(LANDLOCK_CREATE_RULESET, rules, len(rules), 0), "Landlock")
    for paths, allowed in ((read, EXECUTE | READ_FILE | READ_DIR), (write, rights)):
        for path in paths:
            try:
                handle = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except FileNotFoundError:
                continue
            mine = allowed if os.path.isdir(path) else allowed & (EXECUTE | READ_FILE | WRITE_FILE | TRUNCATE)
            rule = struct.pack("=Qi", mine & rights, handle)
            _check(libc.syscall(LANDLOCK_ADD_RULE, ruleset, 1, rule, 0), f"Landlock rule for {path}")
            os.close(handle)
    no_new_privileges()
    _check(libc.syscall(LANDLOCK_RESTRICT_SELF, ruleset, 0), "Landlock")
    os.close(ruleset)


# seccomp: which calls of the kernel are refused -----------------------------------------------------------------------

#            name: (x86-64, arm64)
FORBIDDEN = {
    "ptrace": (101, 117), "process_vm_readv": (310, 270), "process_vm_writev": (311, 271), "kcmp": (312, 272),
    "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "unshare": (272, 97), "setns": (308, 268),
    "mount": (165, 40), "umount2": (166, 39), "pivot_root": (155, 41), "chroot": (161, 51), "open_tree": (428, 428),
    "move_mount": (429, 429), "fsopen": (430, 430), "fsconfig": (431, 431), "fsmount": (432, 432),
    "fspick": (433, 433), "mount_setattr": (442, 442), "add_key": (248, 217), "request_key": (249, 218),
    "keyctl": (250, 219), "bpf": (321, 280), "perf_event_open": (298, 241), "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "open_by_handle_at": (304, 265), "name_to_handle_at": (303, 264), "init_module": (175, 105),
    "finit_module": (313, 273), "delete_module": (176, 106), "kexec_load": (246, 104), "reboot": (169, 142),
    "swapon": (167, 224), "swapoff": (168, 225), "acct": (163, 89), "quotactl": (179, 60), "personality": (135, 92),
    "settimeofday": (164, 170), "clock_settime": (227, 112), "adjtimex": (159, 171), "syslog": (103, 116),
    # Memory that belongs to no process, and so to no limit of one:
    "memfd_create": (319, 279), "memfd_secret": (447, 447), "shmget": (29, 194),
    "vhangup": (153, 58), "lookup_dcookie": (212, 18), "sched_setattr": (314, 274), "sched_setscheduler": (144, 119),
}  # fmt: skip
CLONE, CLONE3, SOCKET, PRLIMIT = (56, 220), (435, 435), (41, 198), (302, 261)
MACHINES = {"x86_64": (0, 0xC000003E), "aarch64": (1, 0xC00000B7)}

LOAD, EQUAL, AT_LEAST, ANY_BIT, RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16  # offsets in what the filter is shown
ALLOW, REFUSE, ABSENT, KILL = 0x7FFF0000, 0x00050000 | 1, 0x00050000 | 38, 0x80000000  # 1 is EPERM, 38 ENOSYS


def seccomp(sockets):
    """Refuse calls that no answer to a task needs; without `sockets`, also the making of any socket but a pair."""
    index, architecture = MACHINES[platform.machine()]
    refuse = [numbers[index] for numbers in FORBIDDEN.values()]
    if not sockets:
        refuse.append(SOCKET[index])
    program = [
        (LOAD, 0, 0, MACHINE), (EQUAL, 1, 0, architecture), (RETURN, 0, 0, KILL),
        (LOAD, 0, 0, NUMBER), (AT_LEAST, 0, 1, 0x40000000), (RETURN, 0, 0, REFUSE),  # the x32 names of the same calls
    ]  # fmt: skip
    for number in refuse:
        program += [(EQUAL, 0, 1, number), (RETURN, 0, 0, REFUSE)]
    program += [(EQUAL, 0, 1, CLONE3[index]), (RETURN, 0, 0, ABSENT)]  # its flags lie in memory; libc then takes clone
    program += [  # of the limits of a process, only its own: the first of its namespace may have the same user
        (EQUAL, 0, 4, PRLIMIT[index]), (LOAD, 0, 0, FIRST_ARGUMENT),
        (EQUAL, 1, 0, 0), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    program += [
        (EQUAL, 0, 3, CLONE[index]), (LOAD, 0, 0, FIRST_ARGUMENT),
        (ANY_BIT, 0, 1, ANY_NAMESPACE), (RETURN, 0, 0, REFUSE), (RETURN, 0, 0, ALLOW),
    ]  # fmt: skip
    code = b"".join(struct.pack("=HBBI", *line) for line in program)
    buffer = ctypes.create_string_buffer(code, len(code))
    header = struct.pack("=HxxxxxxQ", len(program), ctypes.addressof(buffer))
    pointer = ctypes.create_string_buffer(header, len(header))
    no_new_privileges()
    prctl(PR_SET_SECCOMP, 2, ctypes.addressof(pointer))
