"""The command line for a user's entry point: a Python script, a package or a shell script, possibly under torchrun."""

from __future__ import annotations

import logging
import re
import shutil
import sys
from pathlib import Path

from scones.containers.contract import MASTER_PORT
from scones.containers.frameworks import source_code as source
from scones.containers.frameworks.errors import ScriptError
from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.training_environment import TrainingEnvironment, gpus

log = logging.getLogger("sagemaker-training-toolkit")

NAME = re.compile(r"[A-Za-z0-9._][A-Za-z0-9._+-]*(/[A-Za-z0-9._+-]+)*")


def command(job: TrainingEnvironment, framework: Framework) -> list[str]:
    """Install the entry point's requirements and return the command that runs it; raises `ScriptError`."""
    name, folder = _checked(job), job.container.code
    if name.endswith(".sh") or not (name.endswith(".py") or (folder / "setup.py").exists()):
        (folder / name).chmod(0o755)
        return ["/bin/sh", "-c", './"$0" "$@"', name, *job.arguments()]
    if (folder / "setup.py").exists():
        source.install_package(folder)
        target = ["-m", name.removesuffix(".py").replace("/", ".")]
    else:
        source.install(folder)
        target = [name]
    if missing := framework.missing():
        log.warning("%s", missing)  # the script may not need it
    return [*_launcher(job, framework), *target, *job.arguments()]


def _checked(job: TrainingEnvironment) -> str:
    name = job.entry_point
    if not name:
        raise ScriptError("The job has no script: set the hyperparameter sagemaker_program, or entry_point in the SDK.")
    if not NAME.fullmatch(name) or {".", ".."} & set(name.split("/")):
        raise ScriptError(
            f"The training entry point {name!r} must be a relative path below the source code, with only "
            "letters, digits and ._+-/."
        )
    if not (job.container.code / name).exists() and not (job.container.code / "setup.py").exists():
        raise ScriptError(
            f"The training entry point {name!r} is not in the source code: {_listed(job.container.code)}."
        )
    return name


def _listed(folder: Path) -> str:
    names = sorted(path.name for path in folder.iterdir())
    return f"it has {', '.join(names[:20])}" if names else "the folder is empty"


def _launcher(job: TrainingEnvironment, framework: Framework) -> list[str]:
    """Return the command that starts Python: Python itself, torchrun, or mpirun if it is installed."""
    requested, hosts = job.framework_parameters, job.distributed_hosts
    if job.group not in job.distributed_groups or requested.get("sagemaker_parameter_server_enabled"):
        return [sys.executable]
    torchrun = ("sagemaker_torch_distributed_enabled", "sagemaker_pytorch_ddp_enabled")
    if framework.torch and any(requested.get(name) for name in torchrun):
        log.info("Starting distributed training through torchrun")
        per_host = requested.get("sagemaker_mpi_num_of_processes_per_host") or gpus() or 1
        more = ["--master_addr", job.master, "--master_port", MASTER_PORT, "--node_rank", str(hosts.index(job.host))]
        return [
            sys.executable,
            "-m",
            "torch.distributed.run",
            "--nnodes",
            str(len(hosts)),
            "--nproc_per_node",
            str(per_host),
            *(more if len(hosts) > 1 else []),
        ]
    if requested.get("sagemaker_mpi_enabled"):
        return _mpirun(job)
    unsupported = ", ".join(sorted(name for name, value in requested.items() if name.endswith("_enabled") and value))
    raise ScriptError(
        f"The local cloud does not support this distribution: {unsupported}. "
        "Use torch_distributed, mpi, or no distribution."
    )


def _mpirun(job: TrainingEnvironment) -> list[str]:
    if len(job.distributed_hosts) > 1:
        raise ScriptError("The local cloud does not support MPI on several instances: set instance_count to 1.")
    if shutil.which("mpirun") is None:
        raise ScriptError("The job requires MPI, but mpirun is not installed on this machine: install Open MPI.")
    processes = job.framework_parameters.get("sagemaker_mpi_num_of_processes_per_host") or 1
    return ["mpirun", "--oversubscribe", "-np", str(processes), sys.executable]
