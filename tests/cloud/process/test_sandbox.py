"""Sandboxes: what a program can see and write, what is hidden from it, and the end of its process tree."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import textwrap
import uuid
from pathlib import Path

import psutil
import pytest

from scones.cloud.process import sandbox
from scones.cloud.process.sandbox import Program

pytestmark = pytest.mark.skipif(sandbox.isolation() is not None, reason=f"no namespaces here: {sandbox.isolation()}")


async def run(code, **options):
    """Run Python code in a sandbox; return its exit status and its output."""
    output = []
    arguments = {"env": {}, **options}
    program = Program(argv=[sys.executable, "-c", textwrap.dedent(code)], **arguments)
    started = await sandbox.spawn(program, output.append)
    status = await started.wait()
    return status, b"".join(output).decode()


@pytest.fixture
def folders(tmp_path):
    made = {name: tmp_path / name for name in ("one", "other", "secret", "task")}
    for path in made.values():
        path.mkdir()
    return made


async def test_each_sandbox_has_its_own_tmp(folders):
    write = "open('/tmp/image.png', 'w').write('{}')"
    read = "print(open('/tmp/image.png').read())"
    await asyncio.gather(*(run(write.format(name), mounts={"/tmp": folders[name]}) for name in ("one", "other")))
    assert await run(read, mounts={"/tmp": folders["one"]}) == (0, "one\n")
    assert await run(read, mounts={"/tmp": folders["other"]}) == (0, "other\n")


async def test_opt_ml_is_added_to_the_folders_of_the_hosts_opt(folders):
    _, listed = await run("import os; print(sorted(os.listdir('/opt')))", mounts={"/opt/ml": folders["one"]})
    assert set(os.listdir("/opt")) | {"ml"} == set(eval(listed))


async def test_a_program_gets_only_the_given_environment_variables(monkeypatch):
    monkeypatch.setenv("HOST_SECRET", "leaked")
    status, listed = await run("import os; print(sorted(os.environ))", env={"GIVEN": "1"})
    assert status == 0
    assert "GIVEN" in listed
    assert "HOST_SECRET" not in listed


async def test_no_other_process_can_be_seen(monkeypatch):
    monkeypatch.setenv("HOST_SECRET", "leaked")
    code = """
        import os, glob
        for path in glob.glob("/proc/[0-9]*/environ"):
            try:
                print(path, open(path, "rb").read())
            except OSError:
                pass
        print(sorted(int(name) for name in os.listdir("/proc") if name.isdigit()))
    """
    _, written = await run(code)
    assert "leaked" not in written
    assert written.splitlines()[-1] == "[1, 2]"


async def test_hidden_folders_are_empty(folders):
    (folders["secret"] / "credentials.json").write_text("{}")
    code = f"import os; print(os.path.exists({str(folders['secret'] / 'credentials.json')!r}))"
    assert await run(code, whole_host=True) == (0, "True\n")
    assert await run(code, whole_host=True, hidden=[folders["secret"]]) == (0, "False\n")


async def test_hidden_folders_cannot_be_unmounted(folders):
    (folders["secret"] / "key").write_text("leaked")
    folder = str(folders["secret"])
    code = f"import subprocess; subprocess.run(['umount', {folder!r}]); print(open({folder + '/key'!r}).read())"
    status, written = await run(code, hidden=[folders["secret"]], env={"PATH": os.environ["PATH"]})
    assert status == 1
    assert "leaked" not in written


async def test_read_only_folders_cannot_be_written(folders):
    status, written = await run(
        "open('/var/task/new', 'w')", mounts={"/var/task": folders["task"]}, read_only=frozenset({"/var/task"})
    )
    assert status == 1
    assert "Read-only file system" in written


async def test_a_program_starts_in_the_given_working_directory(folders):
    assert await run("import os; print(os.getcwd())", mounts={"/var/task": folders["task"]}, cwd="/var/task") == (
        0,
        "/var/task\n",
    )


@pytest.mark.parametrize(("code", "status"), [("pass", 0), ("raise SystemExit(7)", 7), ("import os; os.abort()", -6)])
async def test_the_exit_status_is_that_of_the_program(code, status):
    assert (await run(code))[0] == status


async def test_a_missing_program_is_reported():
    output = []
    started = await sandbox.spawn(Program(argv=["/no/such/program"], env={}), output.append)
    assert await started.wait() == 127
    assert b"/no/such/program: No such file or directory" in b"".join(output)


ORPHANS = """
    import os, sys, time
    if os.fork() == 0:
        os.setsid()
        if os.fork() == 0:
            print("ready", flush=True)
            time.sleep(600)
        os._exit(0)
    time.sleep(600)
"""


async def start_orphans():
    ready = asyncio.Event()
    program = Program(argv=[sys.executable, "-c", textwrap.dedent(ORPHANS)], env={})
    started = await sandbox.spawn(program, lambda chunk: ready.set())
    await asyncio.wait_for(ready.wait(), 20)
    return started, psutil.Process(started.pid).children(recursive=True)


async def test_a_kill_ends_processes_that_left_the_session():
    started, tree = await start_orphans()
    assert len(tree) >= 3
    started.kill()
    assert await started.wait() == -signal.SIGKILL
    assert psutil.wait_procs(tree, timeout=10)[1] == []


async def test_terminating_reaches_the_program():
    ready = asyncio.Event()
    code = "import signal, sys, time; signal.signal(15, lambda *_: sys.exit(3)); print(1, flush=True); time.sleep(600)"
    started = await sandbox.spawn(Program(argv=[sys.executable, "-c", code], env={}), lambda chunk: ready.set())
    await asyncio.wait_for(ready.wait(), 20)
    started.terminate()
    assert await started.wait() == 3


async def test_memory_of_processes_started_by_a_thread_counts():
    code = """
        import subprocess, sys, threading
        child = "import time; x = bytearray(100_000_000); print(1, flush=True); time.sleep(600)"
        threading.Thread(target=lambda: subprocess.run([sys.executable, "-c", child])).start()
    """
    ready = asyncio.Event()
    program = Program(argv=[sys.executable, "-c", textwrap.dedent(code)], env={})
    started = await sandbox.spawn(program, lambda chunk: ready.set())
    await asyncio.wait_for(ready.wait(), 20)
    assert started.memory() > 100_000_000
    started.kill()
    await started.wait()


async def test_the_memory_is_that_of_the_process_tree():
    started, tree = await start_orphans()
    assert started.memory() > 5_000_000
    started.kill()
    await started.wait()
    psutil.wait_procs(tree, timeout=10)
    assert started.memory() == 0


def test_nothing_is_left_when_the_parent_is_killed():
    code = f"""
        import asyncio, sys
        from scones.cloud.process import sandbox
        async def main():
            program = sandbox.Program(argv=[sys.executable, "-c", {textwrap.dedent(ORPHANS)!r}], env={{}})
            started = await sandbox.spawn(program, lambda chunk: print("ready", flush=True))
            await started.wait()
        asyncio.run(main())
    """
    parent = subprocess.Popen([sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, text=True)
    with parent:
        assert parent.stdout.readline() == "ready\n"
        tree = psutil.Process(parent.pid).children(recursive=True)
        assert len(tree) >= 4
        parent.kill()
    assert psutil.wait_procs(tree, timeout=10)[1] == []


@pytest.mark.parametrize("writable", [True, False])
async def test_the_interpreter_is_visible_below_a_mounted_folder_that_is_used_twice(folders, writable):
    # a clone below /tmp, or Python below /opt: the sandbox mounts its own folder above the interpreter
    outer = str(Path(sys.prefix).parent)
    read_only = frozenset() if writable else frozenset({outer})
    for _ in range(2):
        found = await run("print('found')", mounts={outer: folders["one"]}, read_only=read_only)
        assert found == (0, "found\n")


async def test_hidden_folders_below_the_interpreter_stay_hidden(folders):
    # the sandbox shows a clone below /tmp, but must hide the clone's data folder, which contains the keys
    secret = Path(pytest.__file__).parent
    code = f"import os; print(os.listdir({str(secret)!r}))"
    mounts = {str(Path(sys.prefix).parent): folders["one"]}
    assert await run(code, mounts=mounts, hidden=[secret]) == (0, "[]\n")


async def test_shared_memory_is_not_shared_with_the_host():
    name = f"scones-{uuid.uuid4()}"
    code = f"open('/dev/shm/{name}', 'w').close(); import os; print(os.listdir('/dev/shm'))"
    assert await run(code) == (0, f"['{name}']\n")
    assert name not in os.listdir("/dev/shm")


async def test_a_closed_pipe_ends_a_program_as_in_a_shell():
    output = []
    program = Program(argv=["/bin/sh", "-c", "(yes; echo $? >&2) | head -n 1"], env={"PATH": os.environ["PATH"]})
    started = await sandbox.spawn(program, output.append)
    await started.wait()
    assert sorted(b"".join(output).split()) == [str(128 + signal.SIGPIPE).encode(), b"y"]  # two writers, in any order


def test_all_clouds_together_leave_one_folder_in_the_temporary_folder(tmp_path):
    code = """
        import asyncio, sys
        from scones.cloud.process import sandbox
        async def main():
            started = await sandbox.spawn(sandbox.Program(argv=[sys.executable, "-c", ""], env={}), print)
            await started.wait()
        asyncio.run(main())
    """
    for _ in range(2):
        environment = os.environ | {"TMPDIR": str(tmp_path)}
        subprocess.run([sys.executable, "-c", textwrap.dedent(code)], env=environment, check=True, timeout=60)
    assert [path.name for path in tmp_path.iterdir()] == [f"scones-root-{os.getuid()}"]


async def test_a_signal_sent_before_the_program_runs_reaches_it():
    output = []
    program = Program(argv=[sys.executable, "-c", "import time; time.sleep(600)"], env={})
    for _ in range(5):
        started = await sandbox.spawn(program, output.append)
        started.terminate()
        assert await asyncio.wait_for(started.wait(), 20) == -signal.SIGTERM


def test_no_open_file_of_the_cloud_reaches_a_program(tmp_path):
    uvloop = pytest.importorskip("uvloop")  # the cloud's event loop; it leaves inheritable files open in children
    descriptor = os.open(tmp_path, os.O_RDONLY)
    os.set_inheritable(descriptor, True)
    try:
        code = f"import os; print([name for name in os.listdir('/proc/self/fd') if int(name) > 2][1:], {descriptor})"
        status, listed = uvloop.run(run(code))
    finally:
        os.close(descriptor)
    assert (status, listed) == (0, f"[] {descriptor}\n")


TRY = """
import os, sys
for path in sys.argv[1:]:
    try:
        open(path, "w").close()
    except OSError as error:
        print(path, type(error).__name__)
    else:
        print(path, "written")
"""


async def written(*paths, **options):
    """Return the paths that a program in a sandbox could write."""
    output = []
    program = Program(argv=[sys.executable, "-c", TRY, *paths], env={}, **options)
    started = await sandbox.spawn(program, output.append)
    assert await started.wait() == 0, output
    lines = [line.split() for line in b"".join(output).decode().splitlines()]
    return [path for path, how in lines if how == "written"]


HOST = (
    "/etc/scones-test",
    "/usr/scones-test",
    "/var/scones-test",
    "/sys/kernel/mm/ksm/run",
    "/proc/sys/kernel/core_pattern",
    "/proc/sysrq-trigger",
    "/home/scones-test",
    "/var/tmp/../scones-test",
    "/bin/true",
)


async def test_the_host_cannot_be_written(folders):
    assert await written(*HOST, mounts={"/opt/ml": folders["one"]}) == []
    assert await written("/opt/ml/file", "/tmp/file", "/dev/null", mounts={"/opt/ml": folders["one"]}) == [
        "/opt/ml/file",
        "/tmp/file",
        "/dev/null",
    ]
    own = ["/tmp/scones-test", "/opt/scones-test", "/root/scones-test", "/scones-test"]
    assert set(await written(*own)) <= set(own)
    assert not on_this_machine(own)


def on_this_machine(paths):
    return [path for path in paths if Path(path).exists()]


async def test_in_a_read_only_root_only_the_mounts_are_writable(folders):
    options = {"mounts": {"/tmp": folders["one"]}, "read_only": frozenset({"/"})}
    assert await written("/file", "/root/file", "/tmp/file", **options) == ["/tmp/file"]


async def test_the_size_of_the_root_folder_is_limited():
    status, wrote = await run("open('/large', 'wb').write(bytes(100 << 20))")
    assert status == 1
    assert "No space left on device" in wrote


async def test_home_folders_and_other_folders_of_the_host_are_not_visible():
    code = "import os; print([path for path in ('/home', '/srv', '/mnt', '/media') if os.path.isdir(path)])"
    assert await run(code) == (0, "[]\n")
    home = Path.home()
    if home != Path("/"):
        _, listed = await run(f"import os; print(os.path.exists({str(home)!r}) and os.listdir({str(home)!r}))")
        assert not {".ssh", ".aws", ".bashrc", ".profile", ".cache"} & set(str(listed).split("'"))


async def test_the_data_folder_of_another_cloud_is_not_visible(tmp_path):
    clone = tmp_path / "clone"
    for folder in (tmp_path / "other", clone / ".scones", clone / "package"):
        folder.mkdir(parents=True)
        (folder / "credentials.json").write_text("keys")
    (clone / ".scones" / "lock").touch()
    for path, there in ((tmp_path / "other", False), (clone / ".scones", False), (clone / "package", True)):
        code = f"import os; print(os.path.exists('{path}/credentials.json'))"
        assert await run(code, visible=[clone]) == (0, f"{there}\n"), path


async def test_devices_and_terminals_of_the_host_are_not_visible():
    _, listed = await run("import os; print(os.listdir('/dev'))")
    names = {name for name in eval(listed) if not name.startswith("nvidia")}
    assert names <= {
        "null",
        "zero",
        "full",
        "random",
        "urandom",
        "tty",
        "dri",
        "kfd",
        "dxg",
        "shm",
        "fd",
        "stdin",
        "stdout",
        "stderr",
    }
    assert {"null", "urandom", "shm"} <= names
