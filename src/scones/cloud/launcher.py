"""The first process of a sandbox: takes it apart from the host, then runs the program in it and waits.

Run by `sandbox.py` as `python -I -S launcher.py` with the sandbox described as JSON on standard input; the standard
library alone, for it stands at the head of every cold start. The processes of a sandbox are this launcher, which the
cloud waits for and signals; below it the init of a PID namespace, which dies with the launcher and takes every
descendant of the program along; below that the program. A process that has a program's modules loaded already may
`launch` a fork of itself instead.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import select
import signal
import sys
from collections.abc import Callable, Iterable
from typing import Any

CLONE_NEWNS, CLONE_NEWUTS = 0x00020000, 0x04000000
CLONE_NEWIPC, CLONE_NEWUSER, CLONE_NEWPID = 0x08000000, 0x10000000, 0x20000000
MS_RDONLY, MS_NOSUID, MS_NODEV, MS_NOEXEC, MS_REMOUNT, MS_BIND, MS_REC = 1, 2, 4, 8, 32, 4096, 16384
MS_PRIVATE = 1 << 18
MNT_DETACH = 2
PR_SET_PDEATHSIG, PR_CAPBSET_DROP, PR_SET_NO_NEW_PRIVS = 1, 24, 38
CAPABILITY_VERSION_3 = 0x20080522
PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
MOUNT_SETATTR, AT_FDCWD, AT_RECURSIVE, MOUNT_ATTR_RDONLY = 442, -100, 0x8000, 1
KEYCTL, KEYCTL_JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219}, 1
SYSTEM = (
    "/bin", "/etc", "/gnu", "/lib", "/lib32", "/lib64", "/libx32", "/nix", "/opt", "/sbin", "/snap", "/sys", "/usr",
    "/var",
)  # fmt: skip
"""The host's folders that every program sees, read-only. Homes, /run and other places are not there."""
DEVICES = {"null", "zero", "full", "random", "urandom", "tty", "dri", "kfd", "dxg"}
"""Devices that every program sees, GPUs included: names of NVIDIA's begin with "nvidia"."""
ROOT_SIZE, COVER_SIZE = "64m", "4m"
"""Sizes of the sandbox's own root folder, and of an empty folder in the place of a hidden one: both are in memory."""
OPEN_LIMIT = 65536
"""Open files are looked for below this number."""
FORWARDED = {signal.SIGTERM, signal.SIGINT}
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - each program gets its own

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int) -> None:
    """Raise OSError for a failed call into the C library."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def mount(source: str, target: str, kind: str = "none", flags: int = 0, options: str = "") -> None:
    """mount(2)."""
    try:
        check(libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()))
    except OSError as error:
        raise OSError(error.errno, f"mount {source} on {target}: {error.strerror}") from error


def unshare(hostname: str) -> None:
    """Enter namespaces of our own, as the same user, and under a host name of our own where one is given."""
    uid, gid = os.getuid(), os.getgid()
    if machine_call := KEYCTL.get(os.uname().machine):
        libc.syscall(machine_call, KEYCTL_JOIN_SESSION_KEYRING, None)  # not the user's keys; may not be allowed
    named = CLONE_NEWUTS if hostname else 0
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | named))
    if hostname:
        check(libc.sethostname(hostname.encode(), len(hostname.encode())))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def build_root(spec: dict[str, Any]) -> None:
    """Lay out the sandbox's file system below `root`: the host's system folders, read-only, and what is mounted.

    With `whole_host` it is the host's, but for what is mounted, hidden or private. /proc is mounted while the host's is
    still there: without one, the kernel does not allow it.
    """
    root, mounts, hidden, whole = spec["root"], spec["mounts"], spec["hidden"], spec["whole_host"]
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755" if whole else f"mode=755,size={ROOT_SIZE}")
    own = {"/proc", *mounts}
    rebuilt = {target[:end] for target in own for end, letter in enumerate(target) if letter == "/"}
    if whole:
        _mirror("/", root, own, rebuilt)
    else:
        _mirror_system(root, own, rebuilt)
    os.makedirs(root + "/proc", exist_ok=True)
    mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV)
    if not whole:
        _protect_kernel_settings(root)
    for path in hidden:
        if os.path.isdir(root + path):
            _cover(root + path)
    if spec["shared_memory"] and os.path.isdir(SHARED_MEMORY) and not os.path.islink(SHARED_MEMORY):
        os.makedirs(root + SHARED_MEMORY, exist_ok=True)
        mount("tmpfs", root + SHARED_MEMORY, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    for target in sorted(mounts):
        os.makedirs(root + target, exist_ok=True)
        _bind(mounts[target], root + target)
    shown: list[str] = []
    for path in spec["visible"]:
        there = (whole or path in SYSTEM or _below(path, SYSTEM)) and not _below(path, (*mounts, *hidden))
        if not there and path not in shown and not _below(path, shown):
            shown.append(path)
            _show(path, root)
    for path in [*hidden, *_data_folders(shown)]:
        if _below(path, shown):  # a data folder inside a clone that is shown again: hidden again
            _cover(root + path)
    for target in spec["read_only"]:  # last: what is shown below one needs a folder in it
        _make_read_only(root + target)


def _mirror_system(root: str, own: set[str], rebuilt: set[str]) -> None:
    """Show the host's system folders read-only, the devices that every program needs, and an empty /tmp."""
    for path in SYSTEM:
        if path not in own and os.path.lexists(path):
            _mirror_entry(path, root, own, rebuilt)
    resolver = os.path.realpath("/etc/resolv.conf")
    if os.path.isfile(resolver) and not _below(resolver, SYSTEM):  # systemd-resolved's in /run, say
        os.makedirs(os.path.dirname(root + resolver), exist_ok=True)
        _bind(os.path.dirname(resolver), os.path.dirname(root + resolver))
    _read_only_for_all(root)
    for path in ("/tmp", "/run", "/dev"):  # noqa: S108 - the sandbox's own
        os.makedirs(root + path, exist_ok=True)
    if os.path.isdir(root + "/var/tmp") and "/var/tmp" not in own:  # noqa: S108
        _cover(root + "/var/tmp")  # noqa: S108
    for name in os.listdir("/dev"):
        if name in DEVICES or name.startswith("nvidia"):
            _show(f"/dev/{name}", root)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{root}/dev/{name}")


def _read_only_for_all(root: str) -> None:
    """Make everything below `root` read-only, and `root` itself, which is the sandbox's own, writable again."""
    if _set_attributes(root, AT_RECURSIVE, add=MOUNT_ATTR_RDONLY):
        _set_attributes(root, 0, remove=MOUNT_ATTR_RDONLY)
        return
    with open("/proc/self/mountinfo") as lines:
        targets = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    for target in targets:
        if _below(target, (root,)):
            _make_read_only(target)


def _set_attributes(path: str, flags: int, *, add: int = 0, remove: int = 0) -> bool:
    """mount_setattr(2); False before Linux 5.12, which does not have it."""
    attributes = (ctypes.c_uint64 * 4)(add, remove, 0, 0)
    result = libc.syscall(MOUNT_SETATTR, AT_FDCWD, path.encode(), flags, attributes, ctypes.sizeof(attributes))
    if result < 0 and ctypes.get_errno() == errno.ENOSYS:
        return False
    check(result)
    return True


def _protect_kernel_settings(root: str) -> None:
    """Make the settings in /proc read-only: the machine's root may write them from any user namespace."""
    if os.getuid() == 0:
        for name in ("bus", "fs", "irq", "sys", "sysrq-trigger"):
            path = f"{root}/proc/{name}"
            if os.path.exists(path):
                _bind(path, path)
                _make_read_only(path)


def _cover(target: str) -> None:
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,size={COVER_SIZE}")


def _show(path: str, root: str) -> None:
    """Bind a file or folder of the host, read-only but for devices."""
    if os.path.isdir(path):
        os.makedirs(root + path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        open(root + path, "a").close()
    _bind(path, root + path)
    if not path.startswith("/dev/") and not _set_attributes(root + path, AT_RECURSIVE, add=MOUNT_ATTR_RDONLY):
        _make_read_only(root + path)


def _data_folders(shown: list[str]) -> list[str]:
    """Return the data folders of clouds directly below folders that are shown: a clone with its .scones, say."""
    found = []
    for folder in shown:
        if os.path.isdir(folder) and os.path.basename(folder) not in ("site-packages", "dist-packages"):
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                if os.path.exists(f"{path}/credentials.json") and os.path.exists(f"{path}/lock"):
                    found.append(path)
    return found


def _mirror(folder: str, root: str, own: set[str], rebuilt: set[str]) -> None:
    """Bind every entry of a host folder but the sandbox's own; folders on the way to those are made anew."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if path not in own and path != root:
            _mirror_entry(path, root, own, rebuilt)


def _mirror_entry(path: str, root: str, own: set[str], rebuilt: set[str]) -> None:
    if os.path.islink(path):
        os.symlink(os.readlink(path), root + path)
    elif path in rebuilt:
        os.mkdir(root + path)
        _mirror(path, root, own, rebuilt)
    elif os.path.isdir(path):
        os.mkdir(root + path)
        _bind(path, root + path)
    elif os.path.isfile(path):
        open(root + path, "w").close()
        _bind(path, root + path)


def _below(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _bind(source: str, target: str) -> None:
    mount(source, target, flags=MS_BIND | MS_REC)


def _make_read_only(target: str) -> None:
    locked = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)  # a user namespace may not lift these
    mount("none", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | locked)


def enter(root: str) -> None:
    """Make `root` the root, and let go of the host's."""
    os.chdir(root)
    check(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."))
    check(libc.umount2(b".", MNT_DETACH))
    os.chdir("/")


def die_with_parent(parent: int) -> None:
    """Be killed when the parent ends; a parent that has ended already counts."""
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def drop_privileges() -> None:
    """Give up every capability in the namespaces, for good."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)()))


def settle(spec: dict[str, Any]) -> None:
    """Take a program's place: its limits, a session of its own, the signals as usual, and its folder."""
    for name, value in spec["limits"].items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (bound, bound))
    if os.getsid(0) != os.getpid():  # the launcher itself leads a session already
        os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    os.chdir(spec["cwd"])


def execute(spec: dict[str, Any]) -> None:
    """Become the program, in its place."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would hand that on
    try:
        os.execvpe(spec["argv"][0], spec["argv"], spec["env"])
    except OSError as error:
        sys.stderr.write(f"{spec['argv'][0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(126 if isinstance(error, PermissionError) else 127)  # as a shell ends


def supervise(child: int) -> int:
    """Forward signals to a child, reap whatever ends, and return the child's wait status.

    Signals stay blocked and are waited for: a handler would not run for one that comes just before `waitpid` sleeps.
    """
    awaited = {*FORWARDED, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, awaited)
    while True:
        while (ended := os.waitpid(-1, os.WNOHANG))[0]:
            if ended[0] == child:
                return ended[1]
        number = signal.sigwait(awaited)
        if number in FORWARDED:
            os.kill(child, number)


def init(spec: dict[str, Any], report: int) -> None:
    """Be process 1 of the sandbox: build it, begin the program, reap orphans, tell how the program ended.

    Returns in the program's process alone, which is in its place.
    """
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    launcher = select.poll()
    launcher.register(report, 0)
    if launcher.poll(0):  # nobody can read the report: the launcher ended before it could take this process along
        os._exit(1)
    build_root(spec)
    for target, source in spec["files"].items():
        mount(source, spec["root"] + target, flags=MS_BIND)
    enter(spec["root"])
    program = os.fork()
    if not program:
        os.close(report)
        drop_privileges()
        settle(spec)
        return
    os.write(report, supervise(program).to_bytes(4, "little"))
    os._exit(0)


def end_as(status: int) -> None:
    """End this process as another one ended: by the same signal, or with the same exit status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


def launch(spec: dict[str, Any], end: Callable[[int], None]) -> None:
    """Build the sandbox. Returns in the process that the program is to be; this one calls `end` as that has ended.

    `end` gets the program's wait status and does not return. Signals that are to reach the program are blocked.
    """
    unshare(spec["hostname"])
    die_with_parent(spec["parent"])  # after unshare, which clears it
    receive, report = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        init(spec, report)
        return
    os.close(report)
    status = supervise(child)
    told = os.read(receive, 4)
    end(int.from_bytes(told, "little") if told else status)


def close_inherited() -> None:
    """Close all files but the standard ones: uvloop leaves those of the cloud open that other children were given."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, limit if 0 < limit < OPEN_LIMIT else OPEN_LIMIT)


def main() -> None:
    """Build the sandbox, run the program, and end as it ended."""
    close_inherited()
    spec = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # none is lost: it waits until there is a program to end
    if spec["root"]:
        launch(spec, end_as)
    else:  # no namespaces on this machine
        if sys.platform == "linux":
            die_with_parent(spec["parent"])
        settle(spec)
    execute(spec)


if __name__ == "__main__":
    main()
