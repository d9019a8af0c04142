"""The figures as docs/reference/benchmarks.md and its charts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import chart
from benchmarks.results import Results
from benchmarks.tables import Table, goals, tables
from benchmarks.written import Written

HEAD = """# Benchmarks

`make bench` writes this page. `make bench ARGS='--only s3,serving'` repeats only some parts; `--quick` measures without
writing this page. Everything runs on one machine over loopback. Scones is compared with similar programs (*peers*).
Each peer was installed from the package index and runs in its own environment and process. The same client code calls
Scones and the peers in turn (A B C A B C …). A table cell contains the median of the repeats and their range. As on a
developer's machine, the server and the client share the processors. On another machine, the absolute figures can differ
much; the ratios differ less.
"""
CHART = """![Requests per second and latency of the model servers](../images/benchmarks.svg)
"""
GROWTH = """![Time of listings with more stored data](../images/growth.svg)
"""
NOTES = """## How to read it

- **Clouds.** The client is boto3 with the same configuration and no retries. ministack and moto have their default
  settings and listen on loopback. Of the three, only Scones checks every signature and stores data on disk before it
  responds. ministack keeps objects in memory by default, so S3 is also measured with its option to write them to disk.
  Goals refer to the best peer. Single executions are polled every millisecond, and 20 simultaneous executions every
  20 ms. The memory of an execution is the growth of the resident memory of all processes of the cloud during 700
  executions, after a warm-up, divided by 700; the goal is at most 5 KB. A cold invocation is the first one of a new
  function.
- **The server that does no work** responds at once, and does not store objects. Its figures show how fast boto3 and the
  AWS CLI themselves are: with these clients, no server can be faster. If this server is less than twice as fast as a
  peer, the goal "twice the best peer" cannot be reached.
- **Growth.** While Scones is stopped, its data folder is filled with copies of rows that the API wrote: up to 200,000
  executions (with their events), as many objects below 60 prefixes, and as many messages in one queue. The peers are
  filled through their API, with up to 10,000 entries. Each figure is the median of calls that one client makes one
  after the other.
- **Availability.** One client repeats an attack for eight seconds, or makes it once if it takes longer. At the same
  time, another client sends GetCallerIdentity 50 times a second. Its latency counts from the moment when the request
  was due, so that a cloud that stalls for a second delays 50 requests and not one.
- **Serving.** All servers use the same ONNX file: the model of the deployed endpoint. They get the same 16 synthetic
  images of 32 by 32 pixels (about 2.5 KB as PNG) in turn, decode them with the same code, and call the same onnxruntime
  with one thread per call. Frameworks run one worker process (a replica) per processor. LitServe and MLServer get the
  image as base64 in JSON, as their protocols require; the other servers get it as the body. Before the load, all 16
  responses of each server are compared with the model's. A warm-up of 200 ms does not count. Each server is restarted
  for each repeat, and only the idle cloud runs at the same time. The floor is a loop in one process that decodes and
  classifies images without a server.
- **The endpoint** is called through the cloud's gateway. The measured time includes the signing of the request, the
  check of the signature, and the capture of the request and its response.
- **Where** and **With what** describe the latest measurement; **When** has the time of each part.
"""
_FRAME = ("Goals", "How to read it", "Where", "With what", "When")
"""Titles of the sections that do not belong to a part."""


def write(results: Results, folder: Path, order: list[str]) -> None:
    """Write reference/benchmarks.md and its charts into the folder of the documents, with the parts in the given order.

    Parts without new results keep the figures of the existing document.
    """
    (folder / "images").mkdir(parents=True, exist_ok=True)
    (folder / "reference").mkdir(exist_ok=True)
    path, charts = (
        folder / "reference" / "benchmarks.md",
        (folder / "images" / "benchmarks.svg", folder / "images" / "growth.svg"),
    )
    chart.draw(results.rows("serving"), charts[0])
    chart.draw_growth(results.rows("growth"), charts[1])
    images = [image for image, file in zip((CHART, GROWTH), charts, strict=True) if file.exists()]
    partial = path.exists() and not results.parts.keys() >= set(order)
    before = Written.parse(path.read_text() if partial else "")
    path.write_text(document(results, order, images, before))


def document(results: Results, order: list[str], images: list[str], before: Written) -> str:
    """Return the document with links to the charts; parts that were not measured come from the earlier document."""
    rows = results.rows(*order)
    figures = {table.title: table.markdown() for table in tables(rows)}
    earlier = {title: f"## {title}\n\n{body}\n" for title, body in before.sections.items() if title not in _FRAME}
    sections = earlier | figures  # keeps the earlier order
    wanted = goals(rows)
    wanted.lines.extend(line for line in before.lines("Goals") if line[0] in earlier.keys() - figures.keys())
    wanted.lines.sort(key=lambda line: list(sections).index(line[0]))
    met = f"{sum(line[-1] == 'met' for line in wanted.lines)} of {len(wanted.lines)} are met.\n"
    text = [HEAD, *images, wanted.markdown(), met, *sections.values()]
    text += [NOTES, _pairs("Where", "this machine", results.machine).markdown()]
    text.append(_pairs("With what", "version", results.versions).markdown())
    text.append(Table("When", ["part", "measured", "took"], _taken(results, order, before)).markdown())
    return "\n".join(text)


def _taken(results: Results, order: list[str], before: Written) -> list[list[str]]:
    """Return the time and duration of each part's measurement."""
    taken = {line[0]: line for line in before.lines("When")}
    for name, part in results.parts.items():
        taken[name] = [name, part["when"], f"{part['seconds']:.0f} s"]
    return [taken[name] for name in order if name in taken]


def _pairs(title: str, what: str, pairs: Mapping[str, str]) -> Table:
    return Table(title, ["", what], [[name, value] for name, value in pairs.items()])
