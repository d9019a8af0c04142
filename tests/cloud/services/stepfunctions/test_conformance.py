"""Executions and responses recorded on AWS: a case reaches all levels unless docs/reference/conformance.md lists it."""

from __future__ import annotations

import pytest

from support.conformance import RECORDINGS, listed, recorded, replay


def replayed() -> set[str]:
    """Return the IDs of all recorded cases that `compare.py` replays; it leaves out those with a member `via`."""
    return {case["id"] for case in recorded() if "via" not in case}


@pytest.mark.slow
def test_every_recorded_case_is_reached_or_listed(start_cloud, tmp_path, record_property):
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not next to this checkout")
    cloud = start_cloud()
    results = replay(cloud.environment, tmp_path)
    known = listed()
    assert {result.id for result in results} == replayed()
    missed = {result.id: (result.reached, result.why[:300]) for result in results if not result.whole}
    record_property("reached", {"missed": len(missed)})
    assert {name: why for name, why in missed.items() if name not in known} == {}


def test_the_settings_listed_on_the_page_are_recorded():
    if not RECORDINGS.exists():
        pytest.skip("the recordings are not beside this checkout")
    assert listed() - replayed() == set()
