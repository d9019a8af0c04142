"""A pytest plugin with local clouds: `pip install '.[testing]'` in a clone.

pytest imports this module in every run, so everything else is imported only when a fixture is used.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:  # it loads boto3, which most runs of pytest do not need
    from scones.testing import LocalCloud

_CLOUD = pytest.StashKey["LocalCloud"]()
"""The session's cloud in pytest's configuration, if `scones_autouse` is set."""


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the plugin's options."""
    group = parser.getgroup("scones", "local AWS cloud (Scones)")
    group.addoption(
        "--scones-data-dir",
        type=Path,
        metavar="FOLDER",
        help="Keep the data of the session's cloud in this new or empty folder, to look at it afterwards with "
        "`scones up --data-dir FOLDER`. With pytest-xdist, each worker has a folder below it.",
    )
    parser.addini("scones_region", "The region of the local clouds (us-east-1 by default).")
    parser.addini("scones_account", "The account ID of the local clouds (111122223333 by default).")
    parser.addini(
        "scones_autouse",
        "Start the session's cloud before pytest imports test modules, and set the AWS_* variables for the whole "
        "session. Code under test may then create its clients at import time.",
        type="bool",
        default=False,
    )


def pytest_configure(config: pytest.Config) -> None:
    """Reject a data folder that is not empty; workers of pytest-xdist have theirs below it."""
    folder: Path | None = config.getoption("--scones-data-dir")
    if folder and folder.exists() and not _is_worker(config) and not (folder.is_dir() and not any(folder.iterdir())):
        raise pytest.UsageError(f"--scones-data-dir: {folder} is not an empty folder.")


def pytest_sessionstart(session: pytest.Session) -> None:
    """Start the session's cloud if `scones_autouse` is set; not in pytest-xdist's controller, which runs no tests."""
    config = session.config
    if config.getini("scones_autouse") and (_is_worker(config) or config.getoption("dist", "no") == "no"):
        _activate(config)


def _activate(config: pytest.Config) -> None:
    from scones.testing import CloudError

    stack = ExitStack()
    config.add_cleanup(stack.close)
    try:
        cloud = stack.enter_context(_local_cloud(config, _data_dir(config)))
    except CloudError as error:
        raise pytest.UsageError(str(error)) from error
    stack.enter_context(cloud.activated())
    config.stash[_CLOUD] = cloud


@pytest.fixture(scope="session")
def scones_cloud(pytestconfig: pytest.Config) -> Iterator[LocalCloud]:
    """A local AWS cloud that all tests of the session share; one per worker of pytest-xdist."""
    if cloud := pytestconfig.stash.get(_CLOUD, None):
        yield cloud
    else:
        with _started(_local_cloud(pytestconfig, _data_dir(pytestconfig))) as cloud:
            yield cloud


@pytest.fixture
def scones_isolated_cloud(pytestconfig: pytest.Config) -> Iterator[LocalCloud]:
    """A local AWS cloud for one test: its own process and data folder, which are removed after the test."""
    with _started(_local_cloud(pytestconfig)) as cloud:
        yield cloud


@pytest.fixture
def scones_environment(request: pytest.FixtureRequest) -> Iterator[dict[str, str]]:
    """The AWS_* environment variables, set for one test, so that code under test uses the local cloud.

    The cloud is `scones_isolated_cloud` if the test uses it, and `scones_cloud` otherwise.
    """
    isolated = "scones_isolated_cloud" in request.fixturenames
    cloud: LocalCloud = request.getfixturevalue("scones_isolated_cloud" if isolated else "scones_cloud")
    with cloud.activated() as variables:
        yield variables


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _data_dir(config: pytest.Config) -> Path | None:
    folder: Path | None = config.getoption("--scones-data-dir")
    return folder / config.workerinput["workerid"] if folder and hasattr(config, "workerinput") else folder


def _local_cloud(config: pytest.Config, data_dir: Path | None = None) -> LocalCloud:
    from scones.testing import LocalCloud

    region, account = (config.getini(name) or None for name in ("scones_region", "scones_account"))
    return LocalCloud(data_dir, region=region, account=account)


@contextmanager
def _started(cloud: LocalCloud) -> Iterator[LocalCloud]:
    """Start a cloud for a fixture, and stop it; an error is reported as one sentence, without this plugin's frames."""
    from scones.testing import CloudError

    with ExitStack() as stack:
        try:
            stack.enter_context(cloud)
        except CloudError as error:
            pytest.fail(str(error), pytrace=False)
        yield cloud
