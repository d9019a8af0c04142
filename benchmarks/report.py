"""The figures as docs/reference/benchmarks.md and its charts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import chart
from benchmarks.results import Results
from benchmarks.tables import Table, goals, tables
from benchmarks.written import Written

HEAD = """# Benchmarks

Written by `make bench`, whole. `make bench ARGS='--only s3,serving'` takes some parts anew, `--quick` looks without
writing. Everything runs on one machine over loopback: each peer from the package index, in an environment and a process
of its own, driven by the same client code, in turn with ours (A B C A B C …). A cell is the median of the repeats, with
their range. A server shares the processors with the client that loads it, as on a developer's machine: the absolute
figures are this machine's, the ratios travel better.
"""
CHART = """![Requests per second and latency of the model servers](../images/benchmarks.svg)
"""
GROWTH = """![What listings take while more is kept](../images/growth.svg)
"""
NOTES = """## How to read it

- **Clouds.** boto3 with the same configuration, no retries; ministack and moto as they come, bound to loopback.
  Scones alone checks every signature, and has on disk what it has answered. ministack keeps objects in memory by
  default, so S3 is measured with it writing to disk as well; a goal is judged against the best of all. Executions one
  at a time are polled every millisecond, 20 at a time every 20 ms. Memory is the resident memory of the whole process
  tree, before and after 700 executions, after a warm-up; up to 5 KB an execution we call bounded. A cold invocation
  is the first of a new function.
- **The server that only says yes** looks at nothing and stores nothing: what boto3 and the AWS CLI reach against it
  is the clients' own time, and no S3 can be faster for them. Where it is less than twice as fast as a peer, twice as
  fast as that peer cannot be had through these clients.
- **Growth.** Our folder is filled between starts with copies of rows that the API wrote, up to 200,000 executions (with
  their events), as many objects below 60 prefixes, and as many messages in one queue; the others are filled through
  their API, up to 10,000. Each figure is the p50 of calls one at a time.
- **Availability.** One client sends an attack again and again, for eight seconds and at least once. Another sends
  GetCallerIdentity 50 times a second meanwhile; a latency counts from the moment when the request was due, so a cloud
  that stalls for a second delays 50 requests and not one.
- **Serving.** One ONNX file, trained by the built-in algorithm and taken out of the deployed artifact; 16 drawn
  pictures of 32 by 32 pixels and about 2.5 KB of PNG, in turn; the same decoding and the same onnxruntime, on one
  thread a call, in every server. Frameworks run a worker process (a replica) a processor. LitServe and MLServer get
  the picture in base64 within JSON, as their protocols want it; all others as the body. All 16 answers of each server
  are compared with the model's before the load. 200 ms of warm-up are not counted; each server is started anew for
  each repeat, and only the idle cloud runs beside it. The floor is one process that decodes and classifies in a loop,
  without any server.
- **The endpoint** is asked through the cloud's gateway: every request is signed within the timed loop, its signature
  is checked, and the request and its answer are captured.
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
