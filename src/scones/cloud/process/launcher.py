"""The launcher: the first process of a sandbox, which isolates itself from the host, runs the program and waits for it.

`sandbox.py` runs it as `python -I -S launcher.py`, with the sandbox described as JSON on standard input. It uses the
standard library only, because it is part of every cold start. A sandbox has these processes: this launcher, which the
cloud waits for and sends signals to; its child, the init process of a PID namespace, which dies with the launcher and
ends all descendants of the program; and the child of init, the program. A process that has already loaded a program's
modules can call `launch` to run a fork of itself in a sandbox.
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

Specification = dict[str, Any]
"""A JSON object that describes a program and its sandbox; `sandbox.describe` defines its keys and their types."""
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
    "/bin",
    "/etc",
    "/gnu",
    "/lib",
    "/lib32",
    "/lib64",
    "/libx32",
    "/nix",
    "/opt",
    "/sbin",
    "/snap",
    "/sys",
    "/usr",
    "/var",
)
"""The host's folders that every program sees, read-only. Home folders, /run and others are not visible."""
DEVICES = {"null", "zero", "full", "random", "urandom", "tty", "dri", "kfd", "dxg"}
"""Devices that every program sees, including GPUs; devices whose names begin with "nvidia" are added."""
ROOT_SIZE, COVER_SIZE = "64m", "4m"
"""Sizes of the sandbox's root folder, and of an empty folder that covers a hidden one; both are in memory."""
OPEN_LIMIT = 65536
"""Number below which inherited file descriptors are closed at the start, if the process may open more."""
FORWARDED = {signal.SIGTERM, signal.SIGINT}
SHARED_MEMORY = "/dev/shm"  # noqa: S108 - each program gets its own

libc = ctypes.CDLL(None, use_errno=True)


def check(result: int) -> None:
    """Raise `OSError` for a failed call into the C library."""
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


def mount(source: str, target: str, kind: str = "none", flags: int = 0, options: str = "") -> None:
    """Call mount(2)."""
    try:
        check(libc.mount(source.encode(), target.encode(), kind.encode(), ctypes.c_ulong(flags), options.encode()))
    except OSError as error:
        raise OSError(error.errno, f"mount {source} on {target}: {error.strerror}") from error


def unshare(hostname: str) -> None:
    """Enter new namespaces as the same user, with a new host name if one is given."""
    uid, gid = os.getuid(), os.getgid()
    if machine_call := KEYCTL.get(os.uname().machine):
        libc.syscall(machine_call, KEYCTL_JOIN_SESSION_KEYRING, None)  # hides the user's keys; may be forbidden
    named = CLONE_NEWUTS if hostname else 0
    check(libc.unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | named))
    if hostname:
        check(libc.sethostname(hostname.encode(), len(hostname.encode())))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{uid} {uid} 1"), ("gid_map", f"{gid} {gid} 1")):
        with open(f"/proc/self/{name}", "w") as file:
            file.write(text)


def build_root(spec: Specification) -> None:
    """Build the sandbox's file system in `root`: the host's system folders, read-only, and the mounts.

    With `whole_host` it is the host's file system, except for mounts, hidden folders and private folders. /proc is
    mounted while the host's /proc is still visible: the kernel does not allow it otherwise.
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
            _hide(root + path)
    if spec["shared_memory"] and os.path.isdir(SHARED_MEMORY) and not os.path.islink(SHARED_MEMORY):
        os.makedirs(root + SHARED_MEMORY, exist_ok=True)
        mount("tmpfs", root + SHARED_MEMORY, "tmpfs", MS_NOSUID | MS_NODEV, "mode=1777")
    for target in sorted(mounts):
        os.makedirs(root + target, exist_ok=True)
        _bind(mounts[target], root + target)
    shown: list[str] = []
    for path in spec["visible"]:
        there = (whole or path in SYSTEM or _is_below(path, SYSTEM)) and not _is_below(path, (*mounts, *hidden))
        if not there and path not in shown and not _is_below(path, shown):
            shown.append(path)
            _bind_visible(path, root)
    for path in [*hidden, *_data_folders(shown)]:
        if _is_below(path, shown):  # covers secrets in visible folders, such as a clone's data folder
            _hide(root + path)
    for target in spec["read_only"]:  # last, because visible paths may need new folders in these mounts
        _make_read_only(root + target)


def _mirror_system(root: str, own: set[str], rebuilt: set[str]) -> None:
    """Mount the host's system folders read-only, the devices that every program needs, and an empty /tmp."""
    for path in SYSTEM:
        if path not in own and os.path.lexists(path):
            _mirror_entry(path, root, own, rebuilt)
    resolver = os.path.realpath("/etc/resolv.conf")
    if os.path.isfile(resolver) and not _is_below(resolver, SYSTEM):  # for example systemd-resolved's file in /run
        os.makedirs(os.path.dirname(root + resolver), exist_ok=True)
        _bind(os.path.dirname(resolver), os.path.dirname(root + resolver))
    _read_only_for_all(root)
    for path in ("/tmp", "/run", "/dev"):  # noqa: S108 - the sandbox's own
        os.makedirs(root + path, exist_ok=True)
    if os.path.isdir(root + "/var/tmp") and "/var/tmp" not in own:  # noqa: S108
        _hide(root + "/var/tmp")  # noqa: S108
    for name in os.listdir("/dev"):
        if name in DEVICES or name.startswith("nvidia"):
            _bind_visible(f"/dev/{name}", root)
    for name, target in (("fd", ""), ("stdin", "/0"), ("stdout", "/1"), ("stderr", "/2")):
        os.symlink(f"/proc/self/fd{target}", f"{root}/dev/{name}")


def _read_only_for_all(root: str) -> None:
    """Make all mounts in `root` read-only, except `root` itself, which belongs to the sandbox and stays writable."""
    if _set_attributes(root, AT_RECURSIVE, add=MOUNT_ATTR_RDONLY):
        _set_attributes(root, 0, remove=MOUNT_ATTR_RDONLY)
        return
    with open("/proc/self/mountinfo") as lines:
        targets = [line.split()[4].encode().decode("unicode_escape") for line in lines]
    for target in targets:
        if _is_below(target, (root,)):
            _make_read_only(target)


def _set_attributes(path: str, flags: int, *, add: int = 0, remove: int = 0) -> bool:
    """Call mount_setattr(2); return False before Linux 5.12, which does not have it."""
    attributes = (ctypes.c_uint64 * 4)(add, remove, 0, 0)
    result = libc.syscall(MOUNT_SETATTR, AT_FDCWD, path.encode(), flags, attributes, ctypes.sizeof(attributes))
    if result < 0 and ctypes.get_errno() == errno.ENOSYS:
        return False
    check(result)
    return True


def _protect_kernel_settings(root: str) -> None:
    """Make the settings in /proc read-only: the machine's root user can write them from any user namespace."""
    if os.getuid() == 0:
        for name in ("bus", "fs", "irq", "sys", "sysrq-trigger"):
            path = f"{root}/proc/{name}"
            if os.path.exists(path):
                _bind(path, path)
                _make_read_only(path)


def _hide(target: str) -> None:
    mount("tmpfs", target, "tmpfs", MS_NOSUID | MS_NODEV, f"mode=755,size={COVER_SIZE}")


def _bind_visible(path: str, root: str) -> None:
    """Bind-mount a file or folder of the host, read-only unless it is a device."""
    if os.path.isdir(path):
        os.makedirs(root + path, exist_ok=True)
    else:
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        open(root + path, "a").close()
    _bind(path, root + path)
    if not path.startswith("/dev/") and not _set_attributes(root + path, AT_RECURSIVE, add=MOUNT_ATTR_RDONLY):
        _make_read_only(root + path)


def _data_folders(shown: list[str]) -> list[str]:
    """Return the data folders of clouds directly in visible folders, for example `.scones` in a repository clone."""
    found = []
    for folder in shown:
        if os.path.isdir(folder) and os.path.basename(folder) not in ("site-packages", "dist-packages"):
            for name in os.listdir(folder):
                path = os.path.join(folder, name)
                if os.path.exists(f"{path}/credentials.json") and os.path.exists(f"{path}/lock"):
                    found.append(path)
    return found


def _mirror(folder: str, root: str, own: set[str], rebuilt: set[str]) -> None:
    """Bind-mount each entry of a host folder except the sandbox's own mounts; their parent folders are created anew."""
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


def _is_below(path: str, folders: Iterable[str]) -> bool:
    return any(path.startswith(f"{folder}/") for folder in folders)


def _bind(source: str, target: str) -> None:
    mount(source, target, flags=MS_BIND | MS_REC)


def _make_read_only(target: str) -> None:
    locked = os.statvfs(target).f_flag & (MS_NOSUID | MS_NODEV | MS_NOEXEC)  # a user namespace cannot clear these flags
    mount("none", target, flags=MS_BIND | MS_REMOUNT | MS_RDONLY | locked)


def enter(root: str) -> None:
    """Make `root` the root folder and detach the root folder of the host."""
    os.chdir(root)
    check(libc.syscall(PIVOT_ROOT[os.uname().machine], b".", b"."))
    check(libc.umount2(b".", MNT_DETACH))
    os.chdir("/")


def die_with_parent(parent: int) -> None:
    """Have this process killed when its parent ends; exit if the parent has already ended."""
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    if os.getppid() != parent:
        os._exit(1)


def drop_privileges() -> None:
    """Drop all capabilities in the namespaces permanently."""
    for capability in range(64):
        if libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0) < 0:
            break
    check(libc.prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
    header = (ctypes.c_uint32 * 2)(CAPABILITY_VERSION_3, 0)
    check(libc.capset(header, (ctypes.c_uint32 * 6)()))


def prepare_process(spec: Specification) -> None:
    """Prepare this process for the program: resource limits, a new session, unblocked signals, the working folder."""
    for name, value in spec["limits"].items():
        number = getattr(resource, name)
        hard = resource.getrlimit(number)[1]
        bound = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(number, (bound, bound))
    if os.getsid(0) != os.getpid():  # the launcher is already a session leader
        os.setsid()
    signal.pthread_sigmask(signal.SIG_UNBLOCK, FORWARDED)
    os.chdir(spec["cwd"])


def execute(spec: Specification) -> None:
    """Replace this process with the program."""
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores SIGPIPE, and exec would pass that on
    try:
        os.execvpe(spec["argv"][0], spec["argv"], spec["env"])
    except OSError as error:
        sys.stderr.write(f"{spec['argv'][0]}: {error.strerror}\n")
        sys.stderr.flush()
        os._exit(126 if isinstance(error, PermissionError) else 127)  # the exit statuses of a shell


def supervise(child: int) -> int:
    """Forward signals to a child, reap all ended processes, and return the child's wait status.

    Signals stay blocked and are received with `sigwait`: a handler would miss a signal that arrives just before
    `waitpid` blocks.
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


def run_init(spec: Specification, report: int) -> None:
    """Run as process 1 of the sandbox: build it, start the program, reap orphans, and report the program's wait status.

    Returns only in the program's process.
    """
    check(libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL))
    launcher = select.poll()
    launcher.register(report, 0)
    if launcher.poll(0):  # the launcher ended before PR_SET_PDEATHSIG was set
        os._exit(1)
    build_root(spec)
    for target, source in spec["files"].items():
        mount(source, spec["root"] + target, flags=MS_BIND)
    enter(spec["root"])
    program = os.fork()
    if not program:
        os.close(report)
        drop_privileges()
        prepare_process(spec)
        return
    os.write(report, supervise(program).to_bytes(4, "little"))
    os._exit(0)


def exit_like(status: int) -> None:
    """End this process as another process ended: by the same signal, or with the same exit status."""
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        if number not in (signal.SIGKILL, signal.SIGSTOP):
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {number})
        os.kill(os.getpid(), number)
    os._exit(os.WEXITSTATUS(status))


def launch(spec: Specification, end: Callable[[int], None]) -> None:
    """Build the sandbox. Returns in the program's process; the calling process calls `end` when the program has ended.

    `end` gets the program's wait status and does not return. The caller must block the signals that are forwarded to
    the program.
    """
    unshare(spec["hostname"])
    die_with_parent(spec["parent"])  # after unshare, which clears this setting
    receive, report = os.pipe()
    child = os.fork()
    if not child:
        os.close(receive)
        run_init(spec, report)
        return
    os.close(report)
    status = supervise(child)
    reported_status = os.read(receive, 4)
    end(int.from_bytes(reported_status, "little") if reported_status else status)


def close_inherited() -> None:
    """Close all descriptors except the standard ones: with uvloop, a child also inherits those of other children."""
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
    os.closerange(3, limit if 0 < limit < OPEN_LIMIT else OPEN_LIMIT)


def main() -> None:
    """Build the sandbox, run the program, and end as the program ended."""
    close_inherited()
    spec = json.load(sys.stdin)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    signal.pthread_sigmask(signal.SIG_BLOCK, FORWARDED)  # pending until the program runs, so none is lost
    if spec["root"]:
        launch(spec, exit_like)
    else:  # namespaces are not available on this machine
        if sys.platform == "linux":
            die_with_parent(spec["parent"])
        prepare_process(spec)
    execute(spec)


if __name__ == "__main__":
    main()
