"""The extract step, against a real web server that cuts connections, stalls, sends slowly or sends wrong data."""

from __future__ import annotations

import hashlib
import logging
import socket
from pathlib import Path

import numpy as np
import pytest

from scones.workflow.dataset import Archive, DownloadLimits, NoSourceError, extract
from support.misbehaving_origin import Origin, Resource

CONTENT = np.random.default_rng(0).bytes(300_000)
SHA256 = hashlib.sha256(CONTENT).hexdigest()
BRIEF = DownloadLimits(max_silence=0.3, window=0.2, min_rate_if_alternatives=0.0, min_rate=0.0)


def fetch(folder: Path, *sources: str, sha256: str | None = SHA256, patience: DownloadLimits = BRIEF) -> Archive:
    return extract(folder, sources, sha256=sha256, limits=patience)


def ranges(origin: Origin) -> list[str | None]:
    return [headers.get("Range") for _, headers in origin.asked]


def test_a_download_is_verified_reported_and_kept(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/data/cifar.tar.gz", Resource(CONTENT))
    reported: list[tuple[int, int | None]] = []
    archive = extract(tmp_path, [url], sha256=SHA256.upper(), progress=lambda *pair: reported.append(pair))
    assert archive == Archive(tmp_path / "cifar.tar.gz", SHA256, url, verified=True)
    assert archive.path.read_bytes() == CONTENT
    assert reported[0] == (0, 300_000)
    assert reported[-1] == (300_000, 300_000)
    assert [done for done, _ in reported] == sorted(done for done, _ in reported)
    assert not list(tmp_path.glob("*.part"))


def test_a_complete_file_is_not_downloaded_again(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/cifar.tar.gz", Resource(CONTENT))
    fetch(tmp_path, url)
    fetch(tmp_path, url)
    assert len(origin.asked) == 1


def test_an_existing_file_with_another_digest_is_downloaded_again(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "cifar.tar.gz").write_bytes(b"something else")
    fetch(tmp_path, origin.url("/cifar.tar.gz", Resource(CONTENT)))
    assert (tmp_path / "cifar.tar.gz").read_bytes() == CONTENT


def test_an_interrupted_download_resumes(origin: Origin, tmp_path: Path) -> None:
    archive = fetch(tmp_path, origin.url("/c.tgz", Resource(CONTENT, breaks=[100_000, 50_000])))
    assert archive.path.read_bytes() == CONTENT
    assert ranges(origin) == [None, "bytes=100000-", "bytes=150000-"]
    assert origin.asked[1][1]["If-Range"] == '"v1"'


def test_a_download_is_resumed_by_the_next_run(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/c.tgz", Resource(CONTENT, breaks=[100_000, 0, 0, 0]))
    with pytest.raises(NoSourceError, match="closed the connection after 100,000 of 300,000 bytes"):
        fetch(tmp_path, url)
    assert fetch(tmp_path, url).path.read_bytes() == CONTENT
    assert ranges(origin)[-1] == "bytes=100000-"


def test_a_server_that_ignores_ranges_is_read_from_its_start(origin: Origin, tmp_path: Path) -> None:
    archive = fetch(tmp_path, origin.url("/c.tgz", Resource(CONTENT, ranges=False, breaks=[100_000])))
    assert archive.path.read_bytes() == CONTENT
    assert ranges(origin) == [None, "bytes=100000-"]


@pytest.mark.parametrize("sha256", [SHA256, None])
def test_a_file_that_changed_between_attempts_is_downloaded_from_its_start(
    origin: Origin, tmp_path: Path, sha256: str | None
) -> None:
    url = origin.url("/c.tgz", Resource(b"old" * 100_000, etag='"v0"', breaks=[100_000, 0, 0, 0]))
    with pytest.raises(NoSourceError):
        fetch(tmp_path, url, sha256=sha256)
    origin.resources["/c.tgz"] = Resource(CONTENT)
    assert fetch(tmp_path, url, sha256=sha256).path.read_bytes() == CONTENT


def test_without_digest_and_etag_nothing_is_resumed_in_the_next_run(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/c.tgz", Resource(b"old" * 100_000, etag=None, breaks=[100_000, 0, 0, 0]))
    with pytest.raises(NoSourceError):
        fetch(tmp_path, url, sha256=None)
    origin.resources["/c.tgz"] = Resource(CONTENT, etag=None)
    assert fetch(tmp_path, url, sha256=None).path.read_bytes() == CONTENT


def test_a_mirror_resumes_a_download_that_another_one_began(origin: Origin, tmp_path: Path) -> None:
    first = origin.url("/a/c.tgz", Resource(CONTENT, breaks=[120_000, 0, 0, 0]))
    second = origin.url("/b/c.tgz", Resource(CONTENT, etag='"other"'))
    archive = fetch(tmp_path, first, second)
    assert archive.source == second
    assert archive.path.read_bytes() == CONTENT
    assert origin.asked[-1][1]["Range"] == "bytes=120000-"


def test_a_wrong_partial_file_does_not_discredit_a_good_source(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "c.tgz.part").write_bytes(b"x" * 1000)
    archive = fetch(tmp_path, origin.url("/c.tgz", Resource(CONTENT)))
    assert archive.path.read_bytes() == CONTENT
    assert ranges(origin) == ["bytes=1000-", None]


def test_a_part_longer_than_the_file_is_dropped(origin: Origin, tmp_path: Path) -> None:
    (tmp_path / "c.tgz.part").write_bytes(b"x" * 400_000)
    assert fetch(tmp_path, origin.url("/c.tgz", Resource(CONTENT))).path.read_bytes() == CONTENT


def test_failing_sources_are_skipped_in_order(origin: Origin, tmp_path: Path) -> None:
    lying = origin.url("/lying.tgz", Resource(b"<html>log in to the wifi</html>"))
    good = origin.url("/good.tgz", Resource(CONTENT))
    assert fetch(tmp_path, origin.url("/missing.tgz"), lying, good).source == good
    assert [path for path, _ in origin.asked] == ["/missing.tgz", "/lying.tgz", "/good.tgz"]
    assert sorted(path.name for path in tmp_path.glob("*.tgz")) == ["good.tgz"]


def test_if_all_sources_fail_each_reason_is_reported(origin: Origin, tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    lying = origin.url("/lying.tgz", Resource(b"not it"))
    gone = f"http://127.0.0.1:{port}/c.tgz"
    with pytest.raises(NoSourceError) as raised:
        fetch(tmp_path, origin.url("/missing.tgz"), lying, gone, "gopher://host/x", str(tmp_path / "none.tgz"))
    text = str(raised.value)
    assert "missing.tgz: returned 404" in text
    assert f"has the SHA-256 {hashlib.sha256(b'not it').hexdigest()}" in text
    assert "cannot be reached" in text
    assert "gopher://host/x: must be an" in text
    assert "file not found" in text
    assert "--source" in text
    assert [failure.source for failure in raised.value.failures][2] == gone


def test_a_stalled_source_is_replaced_by_the_next(origin: Origin, tmp_path: Path) -> None:
    stalled = origin.url("/a/c.tgz", Resource(CONTENT, breaks=[50_000, 0, 0, 0], stalls=True))
    good = origin.url("/b/c.tgz", Resource(CONTENT))
    assert fetch(tmp_path, stalled, good).source == good
    assert origin.asked[-1][1]["Range"] == "bytes=50000-"


def test_a_slow_source_is_replaced_by_a_faster_one(
    origin: Origin, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    slow = origin.url("/a/c.tgz", Resource(CONTENT, drips=0.01))
    good = origin.url("/b/c.tgz", Resource(CONTENT))
    patience = DownloadLimits(max_silence=1, window=0.2, min_rate_if_alternatives=1e6, min_rate=0)
    assert fetch(tmp_path, slow, good, patience=patience).source == good
    assert "bytes per second; the minimum is 1,000,000" in caplog.text


def test_a_slow_source_is_used_if_there_is_no_faster_one(origin: Origin, tmp_path: Path) -> None:
    content = CONTENT[:6_000]
    slow = origin.url("/a/c.tgz", Resource(content, drips=0.01))
    patience = DownloadLimits(max_silence=1, window=0.2, min_rate_if_alternatives=1e9, min_rate=1)
    sha256 = hashlib.sha256(content).hexdigest()
    archive = fetch(tmp_path, slow, origin.url("/missing"), sha256=sha256, patience=patience)
    assert archive.path.read_bytes() == content


def test_a_source_below_the_minimum_rate_is_abandoned(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/c.tgz", Resource(CONTENT, drips=0.05))
    with pytest.raises(NoSourceError, match="bytes per second; the minimum is 100,000"):
        fetch(
            tmp_path,
            url,
            patience=DownloadLimits(max_silence=1, window=0.2, min_rate_if_alternatives=1e5, min_rate=1e5),
        )


def test_without_a_digest_the_archive_s_own_is_reported(origin: Origin, tmp_path: Path) -> None:
    archive = fetch(tmp_path, origin.url("/c.tgz", Resource(CONTENT, length=False)), sha256=None)
    assert (archive.sha256, archive.verified) == (SHA256, False)


def test_without_a_digest_a_file_is_kept_while_its_source_has_the_same_etag(origin: Origin, tmp_path: Path) -> None:
    url = origin.url("/c.tgz", Resource(CONTENT))
    first = fetch(tmp_path, url, sha256=None)
    stamp = first.path.stat().st_mtime_ns
    assert fetch(tmp_path, url, sha256=None) == first
    assert first.path.stat().st_mtime_ns == stamp
    origin.resources["/c.tgz"] = Resource(CONTENT[::-1], etag='"v2"')
    assert fetch(tmp_path, url, sha256=None).path.read_bytes() == CONTENT[::-1]


def test_without_a_network_an_earlier_download_is_used(tmp_path: Path) -> None:
    server = Origin()
    url = server.url("/c.tgz", Resource(CONTENT))
    first = fetch(tmp_path, url, sha256=None)
    server.close()
    assert fetch(tmp_path, url, sha256=None) == first


@pytest.mark.parametrize("form", ["{}", "file://{}"])
def test_a_local_file_is_used_in_place(tmp_path: Path, form: str) -> None:
    path = tmp_path / "my archive.tar.gz"
    path.write_bytes(CONTENT)
    source = form.format(str(path).replace(" ", "%20") if form.startswith("file") else path)
    archive = fetch(tmp_path / "folder", source)
    assert (archive.path, archive.sha256) == (path, SHA256)
    with pytest.raises(NoSourceError, match="instead of"):
        fetch(tmp_path / "folder", source, sha256="0" * 64)
    assert path.exists()


def test_a_source_that_announces_too_much_is_rejected(origin: Origin, tmp_path: Path) -> None:
    class Huge(bytes):
        def __len__(self) -> int:
            return 1 << 40

    with pytest.raises(NoSourceError, match="the maximum is"):
        fetch(tmp_path, origin.url("/c.tgz", Resource(Huge(b"x"))))


def test_the_source_s_name_cannot_leave_the_folder(origin: Origin, tmp_path: Path) -> None:
    path = "/a/..%2F..%2Fevil%00.tgz"
    archive = fetch(tmp_path / "folder", origin.url(path, Resource(CONTENT)))
    assert archive.path.parent == tmp_path / "folder"
