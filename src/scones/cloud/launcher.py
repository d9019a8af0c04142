"""The first process of a sandbox: takes it apart from the host, then runs the program in it and waits.

Run by `sandbox.py` as `python -I -S launcher.py` with the sandbox described as JSON on standard input; the standard
library alone, for it stands at the head of every cold start. The processes of a sandbox are this launcher, which the
cloud waits for and signals; below it the init of a PID namespace, which dies with the launcher and takes every
descendant of the program along; below that the program. A process that has a program's modules loaded already may
`launch` a fork of itself instead.
"""

from __future__ import annotations

import ctypes
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
    named = CLONE_NEWUTS if hostname else 0
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | named))
    if hostname:
        check(libc.sethostname(hostname.encode(), len(hostname.encode())))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def build_root(root: str, mounts: dict[str, str], read_only: list[str], hidden: list[str], visible: list[str]) -> None:
    """Lay out the sandbox's file system below `root`: the host's, but for what is mounted, hidden or private.

    /proc is mounted while the host's is still there: without one, the kernel does not allow it.
    """
    mount("none", "/", flags=MS_REC | MS_PRIVATE)
    mount("tmpfs", root, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    own = {"/proc", *mounts}
    rebuilt = {target[:end] for target in own for end, letter in enumerate(target) if letter == "/"}
    _mirror("/", root, own, rebuilt)
    os.mkdir(root + "/proc")
    mount("proc", root + "/proc", "proc", MS_NOSUID | MS_NODEV)
    for path in hidden:
        if os.path.isdir(root + path):
            mount("tmpfs", root + path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    if os.path.isdir(SHARED_MEMORY) and not os.path.islink(SHARED_MEMORY):
        mount("tmpfs", root + SHARED_MEMORY, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    for target in sorted(mounts):
        os.makedirs(root + target, exist_ok=True)
        _bind(mounts[target], root + target)
    shown: list[str] = []
    for path in visible:
        if _below(path, (*mounts, *hidden)) and not _below(path, shown):
            shown.append(path)
            os.makedirs(root + path, exist_ok=True)
            _bind(path, root + path)
            _make_read_only(root + path)
    for path in hidden:
        if _below(path, shown):  # a data folder inside a clone that is shown again: hidden again
            mount("tmpfs", root + path, "tmpfs", MS_NOSUID | MS_NODEV, "mode=755")
    for target in read_only:  # last: what is shown below one needs a folder in it
        _make_read_only(root + target)


def _mirror(folder: str, root: str, own: set[str], rebuilt: set[str]) -> None:
    """Bind every entry of a host folder but the sandbox's own; folders on the way to those are made anew."""
    for name in os.listdir(folder):
        path = os.path.join(folder, name)
        if path in own or path == root:
            continue
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
    build_root(spec["root"], spec["mounts"], spec["read_only"], spec["hidden"], spec["visible"])
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
