"""Invocation of function versions: their execution environments and logs."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import AsyncIterator, Collection
from pathlib import Path

from scones.cloud.context import CloudContext
from scones.cloud.core.endpoint_variables import endpoint_variables
from scones.cloud.errors import ServiceError
from scones.cloud.process.program_output import Output
from scones.cloud.process.sandbox import Program, Sandbox, isolation, spawn
from scones.cloud.process.untrusted_files import remove_tree
from scones.cloud.services.lambda_.functions.code import CodeStore
from scones.cloud.services.lambda_.functions.function_records import FunctionRecords, Version
from scones.cloud.services.lambda_.functions.names import LATEST, FunctionName
from scones.cloud.services.lambda_.functions.setting_records import PROVISIONED, REQUESTED, SettingRecords
from scones.cloud.services.lambda_.invoke.function_metrics import FunctionMetrics
from scones.cloud.services.lambda_.invoke.pool import EnvironmentPool
from scones.cloud.services.lambda_.runtime import sdk
from scones.cloud.services.lambda_.runtime.execution_environment import (
    EnvironmentSettings,
    ExecutionEnvironment,
    InvocationResult,
)
from scones.cloud.services.lambda_.runtime.interpreters import Interpreter, Interpreters
from scones.cloud.services.lambda_.runtime.platform_log import LogSettings
from scones.cloud.services.lambda_.runtime.response_stream import ResponseStream
from scones.cloud.services.lambda_.runtime.runtimes import COMMON, PYTHON, Runtime
from scones.cloud.services.lambda_.runtime.warm_parent import WarmParent
from scones.cloud.services.logs.service import Logs
from scones.cloud.wire.members import Members

log = logging.getLogger(__name__)

CREDENTIALS_SECONDS = 12 * 3600.0
RELEASE_SECONDS = 30.0
WARM_SECONDS = 1.0
"""Seconds after the cloud's start until it prepares for its existing functions, so that the start itself is quick."""


class Invoker:
    """Invokes functions in execution environments of the pool."""

    def __init__(
        self,
        cloud: CloudContext,
        records: FunctionRecords,
        settings: SettingRecords,
        code: CodeStore,
        scratch: Path,
    ) -> None:
        self._cloud = cloud
        self._records = records
        self._settings = settings
        self._code = code
        self._scratch = scratch
        self._pool = EnvironmentPool()
        self._metrics = FunctionMetrics(cloud.metrics)
        self._running: set[asyncio.Task[InvocationResult]] = set()
        self._isolation: bool | None = None
        self._exclusive_lock = asyncio.Lock()
        self._function_credentials: set[str] = set()
        self._interpreters = Interpreters()
        self._parents: dict[str, WarmParent] = {}

    async def start(self) -> None:
        """Remove the private folders of an earlier process, and start to release idle environments.

        If functions exist, start warm parents for their runtimes after `WARM_SECONDS`.
        """
        await asyncio.to_thread(remove_tree, self._scratch)
        self._scratch.mkdir(parents=True)
        self._cloud.spawn(self._release(), name="release idle execution environments")
        if runtimes := {function["Runtime"] for function in self._records.latest()}:
            self._cloud.spawn(self._prepare_known(runtimes), name="prepare the runtimes of stored functions")

    async def stop(self) -> None:
        """Cancel running invocations, and end all environments and warm parents."""
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        await self._pool.close()
        await asyncio.gather(*(parent.stop() for parent in self._parents.values()))

    async def prepare(self, runtime: str) -> None:
        """Find a runtime's interpreter, and start its warm parent, so that cold starts of functions are quick.

        Raises `InvalidParameterValueException` for a runtime that cannot run here.
        """
        interpreter = await self._interpreters.find(runtime)
        self._cloud.spawn(self._warm(interpreter), name=f"prepare for {runtime}")

    async def _prepare_known(self, runtimes: Collection[str]) -> None:
        await asyncio.sleep(WARM_SECONDS)
        for runtime in runtimes:
            try:
                await self.prepare(runtime)
            except ServiceError as error:
                log.warning("Functions with runtime %s cannot run: %s", runtime, error.message)

    async def _warm(self, interpreter: Interpreter) -> None:
        python = interpreter.language == "python"
        if python and await self._isolated() and interpreter.executable not in self._parents:
            parent = self._parents[interpreter.executable] = WarmParent(interpreter.executable, COMMON | PYTHON)
            await parent.start()

    def retire(self, function: str) -> None:
        """Stop reusing a function's environments; running invocations finish."""
        self._pool.retire(function)

    def find(self, function: FunctionName) -> Version:
        """Return the version for an invocation of a function name with its qualifier."""
        return self._records.version_to_invoke(function)

    async def invoke(
        self,
        version: Version,
        function: FunctionName,
        payload: bytes,
        *,
        request_id: str,
        client_context: str | None = None,
        access_key_id: str | None = None,
        stream: ResponseStream | None = None,
    ) -> InvocationResult:
        """Run one invocation. It continues if its caller stops waiting, for example because a state has timed out.

        A response that the runtime streams goes to `stream`, if one is given.
        """
        work = self._run(
            version,
            function,
            payload,
            request_id=request_id,
            client_context=client_context,
            access_key_id=access_key_id,
            stream=stream,
        )
        task = asyncio.get_running_loop().create_task(work, name=f"invocation {request_id}")
        self._running.add(task)
        task.add_done_callback(self._running.discard)
        return await asyncio.shield(task)

    async def _run(
        self,
        version: Version,
        function: FunctionName,
        payload: bytes,
        *,
        request_id: str,
        client_context: str | None,
        access_key_id: str | None,
        stream: ResponseStream | None,
    ) -> InvocationResult:
        isolated = await self._isolated()

        async def start(provisioned: bool) -> ExecutionEnvironment:
            return await self._start(version, isolated=isolated, provisioned=provisioned)

        reserved, provisioned = self._concurrency(version, function)
        arn = self._records.arn(version.name, function.qualifier)
        with self._metrics.throttles(function):
            async with (
                self._exclusive(isolated=isolated, access_key_id=access_key_id),
                self._pool.acquire(version.name, version.revision, start, reserved, provisioned) as environment,
            ):
                work = environment.invoke(payload, request_id, arn, client_context, stream)
                return await self._metrics.measured(function, work)

    async def _isolated(self) -> bool:
        if self._isolation is None:
            self._isolation = await asyncio.to_thread(isolation) is None
        return self._isolation

    @contextlib.asynccontextmanager
    async def _exclusive(self, *, isolated: bool, access_key_id: str | None) -> AsyncIterator[None]:
        """Without isolation, run one handler at a time: all share /tmp, and none may see what another writes.

        The exception is a function that another function calls and waits for, because both would wait forever.
        """
        if isolated or access_key_id in self._function_credentials:
            yield
        else:
            async with self._exclusive_lock:
                yield

    def _concurrency(self, version: Version, function: FunctionName) -> tuple[int | None, int]:
        """Return the concurrency that is reserved for invocations on demand, and that which is provisioned."""
        reserved, qualifiers = (
            self._records.reserved(version.name),
            {function.qualifier, version.configuration["Version"]},
        )
        if reserved is None and qualifiers <= {None, LATEST}:
            return None, 0
        configs = self._settings.all(version.name, PROVISIONED)
        counts = [(qualifier, config[REQUESTED]) for qualifier, config in configs]
        if reserved is not None:
            reserved -= sum(count for _, count in counts)
        return reserved, sum(count for qualifier, count in counts if qualifier in qualifiers)

    async def provision(self, version: Version, count: int) -> bool:
        """Start environments for provisioned concurrency; return False if the function cannot start."""
        isolated = await self._isolated()

        async def start(provisioned: bool) -> ExecutionEnvironment:
            return await self._start(version, isolated=isolated, provisioned=provisioned)

        return await self._pool.provision(version.name, version.revision, start, count)

    def unprovision(self, version: Version) -> None:
        """End the idle environments of a version's provisioned concurrency."""
        self._pool.unprovision(version.name, version.revision)

    async def _start(self, version: Version, *, isolated: bool, provisioned: bool) -> ExecutionEnvironment:
        configuration = version.configuration
        layers = tuple(self._records.layer_code(layer["Arn"]) for layer in configuration.get("Layers", []))
        interpreter = await self._interpreters.find(configuration["Runtime"])
        code = await asyncio.to_thread(self._code.contents, (version.code_digest,))
        layered = await asyncio.to_thread(self._code.contents, layers) if layers else None
        data_dir, handler = self._cloud.settings.data_dir, configuration["Handler"]
        lent = await asyncio.to_thread(sdk.find_sdk_for, interpreter, data_dir, code, layered, handler)
        runtime = Runtime(
            name=configuration["Runtime"],
            interpreter=interpreter,
            handler=handler,
            memory_mb=configuration["MemorySize"],
            variables=self._variables(version, provisioned=provisioned),
            code=code,
            layers=layered,
            sdk_folders=lent.folders if lent else (),
            hidden=(data_dir, Path.home() / ".aws"),
            isolated=isolated,
        )
        folders = tuple(folder for folder in (runtime.code, runtime.layers) if folder is not None)

        async def begin(program: Program, on_output: Output) -> Sandbox:
            parent = self._parents.get(program.argv[0])
            if parent is not None and await asyncio.to_thread(parent.serves, program, folders):
                return await parent.spawn(program, on_output) or await spawn(program, on_output)
            return await spawn(program, on_output)

        setup = EnvironmentSettings(
            log=_log_settings(configuration),
            timeout=configuration["Timeout"],
            allowed_mb=max(configuration["MemorySize"], sdk.MEMORY_MB if lent else 0),
            program=runtime.program,
            isolated=isolated,
            spawn=begin,
            scratch=self._scratch,
        )
        logs = self._cloud.service(Logs)
        group = configuration["LoggingConfig"]["LogGroup"]
        environment = ExecutionEnvironment(setup, lambda stream, events: logs.append(group, stream, events))
        try:
            await environment.start()
        except BaseException:
            await environment.closed()
            raise
        return environment

    def _variables(self, version: Version, *, provisioned: bool) -> dict[str, str]:
        """Return the environment variables that AWS documents, plus the address of this cloud."""
        configuration, settings = version.configuration, self._cloud.settings
        logging_config = configuration["LoggingConfig"]
        keys = self._cloud.credentials.session(configuration["Role"], version.name, CREDENTIALS_SECONDS)
        if not self._isolation:
            self._function_credentials.add(keys.access_key_id)
        return {
            "LAMBDA_RUNTIME_DIR": "/var/runtime",
            "_HANDLER": configuration["Handler"],
            "AWS_REGION": settings.region,
            "AWS_DEFAULT_REGION": settings.region,
            "AWS_ACCESS_KEY_ID": keys.access_key_id,
            "AWS_SECRET_ACCESS_KEY": keys.secret_access_key,
            "AWS_SESSION_TOKEN": keys.session_token,
            **endpoint_variables(self._cloud.url),
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_EXECUTION_ENV": f"AWS_Lambda_{configuration['Runtime']}",
            "AWS_LAMBDA_FUNCTION_NAME": version.name,
            "AWS_LAMBDA_FUNCTION_VERSION": configuration["Version"],
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(configuration["MemorySize"]),
            "AWS_LAMBDA_LOG_GROUP_NAME": logging_config["LogGroup"],
            "AWS_LAMBDA_INITIALIZATION_TYPE": "provisioned-concurrency" if provisioned else "on-demand",
            "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
            "AWS_XRAY_DAEMON_ADDRESS": "127.0.0.1:2000",
            "AWS_LAMBDA_LOG_FORMAT": logging_config["LogFormat"],
            **({"AWS_LAMBDA_LOG_LEVEL": level} if (level := logging_config.get("ApplicationLogLevel")) else {}),
            **configuration.get("Environment", {}).get("Variables", {}),
        }

    async def _release(self) -> None:
        while True:
            await asyncio.sleep(RELEASE_SECONDS)
            self._pool.release_idle()


def _log_settings(configuration: Members) -> LogSettings:
    chosen = configuration["LoggingConfig"]
    return LogSettings(
        version=configuration["Version"],
        memory_mb=configuration["MemorySize"],
        runtime=configuration["Runtime"],
        runtime_arn=configuration["RuntimeVersionConfig"]["RuntimeVersionArn"],
        json=chosen["LogFormat"] == "JSON",
        level=chosen.get("SystemLogLevel", "INFO"),
    )
