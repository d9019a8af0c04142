"""A training job of a framework image: fetch the user's code, run it, and report the result."""

from __future__ import annotations

import importlib
import json
import logging
import os
import socket
import traceback

from scones.containers.contract import MASTER_PORT, Container, JobError
from scones.containers.frameworks import command, launch, provided
from scones.containers.frameworks import source_code as source
from scones.containers.frameworks.errors import ExecuteUserScriptError, ScriptError
from scones.containers.frameworks.framework import Framework
from scones.containers.frameworks.training_environment import TrainingEnvironment

toolkit = logging.getLogger("sagemaker-training-toolkit")


def train(framework: Framework) -> int:
    """Run this container's job; return the exit status. A failure is described in /opt/ml/output/failure."""
    container = Container.here()
    job = TrainingEnvironment(container, f"{framework.training}:main")
    logging.basicConfig(format="%(asctime)s %(name)-12s %(levelname)-8s %(message)s", level=job.log_level)
    toolkit.info("Imported framework %s", framework.training)
    try:
        if framework.algorithm and not job.entry_point:
            _run_algorithm(job, framework)
        else:
            _run(job, framework)
    except JobError as error:
        return _failed(container, str(error), error.exit_status)
    except Exception:
        return _failed(container, f"Framework Error: \n{traceback.format_exc()}")
    toolkit.info("Reporting training SUCCESS")
    (container.output / "success").touch()
    return 0


def _failed(container: Container, message: str, status: int = 1) -> int:
    if not container.failure.exists():  # the script's own message takes precedence
        container.write_failure(message)
    toolkit.error("Reporting training FAILURE")
    toolkit.error(message)
    return status


def _run_algorithm(job: TrainingEnvironment, framework: Framework) -> None:
    if missing := framework.missing():
        raise ScriptError(missing)
    importlib.import_module(framework.algorithm).train(job)


def _run(job: TrainingEnvironment, framework: Framework) -> None:
    log = logging.getLogger(framework.training)
    log.info("Invoking user training script.")
    code = job.container.code
    provided.add_to_import_path(*framework.provided)
    source.fetch(job.source, code)
    run = launch.command(job, framework)
    variables = job.variables() | framework.variables | _rendezvous_variables(job, framework)
    environment = os.environ | variables | {"PYTHONPATH": _with_code(code)}
    toolkit.info(
        "Invoking user script\n\nTraining Env:\n\n%s\n\nEnvironment variables:\n\n%s\n\n"
        "Invoking script with the following command:\n\n%s\n\n",
        json.dumps(job.described, indent=4),
        "\n".join(f"{name}={value}" for name, value in variables.items()),
        " ".join(run),
    )
    status, errors = command.run(run, code, environment)
    if status:
        if f"No module named '{framework.package}" in errors:
            raise ScriptError(framework.missing() or errors)
        raise ExecuteUserScriptError(run, status, errors)


def _with_code(code: os.PathLike[str]) -> str:
    given = os.environ.get("PYTHONPATH")
    return f"{os.fspath(code)}{os.pathsep}{given}" if given else os.fspath(code)


def _rendezvous_variables(job: TrainingEnvironment, framework: Framework) -> dict[str, str]:
    """Return the variables with the address at which the processes of several hosts meet, as in AWS's PyTorch image."""
    if not framework.torch:
        return {}
    network = str(job.resources.get("network_interface_name", "eth0"))
    is_single_host = len(job.hosts) == 1  # then any free port will do, so that jobs can run concurrently
    return {
        "MASTER_ADDR": "127.0.0.1" if is_single_host else job.master,
        "MASTER_PORT": _free_port() if is_single_host else MASTER_PORT,
        "NCCL_SOCKET_IFNAME": network,
        "GLOO_SOCKET_IFNAME": network,
        "NCCL_IB_DISABLE": "1",
        "NCCL_DEBUG": "WARN",
    }


def _free_port() -> str:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return str(listener.getsockname()[1])
