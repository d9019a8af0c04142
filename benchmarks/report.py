"""The figures as docs/reference/benchmarks.md and its charts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import chart
from benchmarks.results import Results
from benchmarks.tables import Table, goals, tables
from benchmarks.written import Written

HEAD = """# Benchmarks

`make bench` writes this page. `make bench ARGS='--only s3,serving'` measures some parts again; `--quick` measures
without writing. Everything runs on one machine over loopback. Each peer comes from the package index and runs in its
own environment and process. The same client code calls all of them and Scones, in turn (A B C A B C …). A cell has the
median of the repeats and their range. A server shares the processors with the client that loads it, as on a developer's
machine: on another machine the absolute figures differ much, and the ratios differ less.
"""
CHART = """![Requests per second and latency of the model servers](../images/benchmarks.svg)
"""
GROWTH = """![Time of listings with more stored data](../images/growth.svg)
"""
NOTES = """## How to read it

- **Clouds.** The client is boto3 with the same configuration and no retries. ministack and moto have their default
  settings and listen on loopback. Only Scones checks every signature, and stores data on disk before it answers.
  ministack keeps objects in memory by default, so S3 is also measured with its option to write them to disk. A goal is
  compared with the best of all peers. Single executions are polled every millisecond, and 20 simultaneous executions
  every 20 ms. Memory is the resident memory of all processes of the cloud, before and after 700 executions, after a
  warm-up; the goal is at most 5 KB per execution. A cold invocation is the first one of a new function.
- **The server that does no work** reads nothing and stores nothing. What boto3 and the AWS CLI reach with it is the
  time of the clients themselves, and no S3 can be faster with them. If it is less than twice as fast as a peer, then no
  server can be twice as fast as that peer with these clients.
- **Growth.** Between starts, the data folder of Scones is filled with copies of rows that the API wrote: up to 200,000
  executions (with their events), as many objects below 60 prefixes, and as many messages in one queue. The peers are
  filled through their API, up to 10,000. Each figure is the p50 of calls that follow one another.
- **Availability.** One client repeats an attack for eight seconds, and at least once. At the same time, another client
  sends GetCallerIdentity 50 times a second. Its latency counts from the moment when the request was due, so that a
  cloud that stalls for a second delays 50 requests and not one.
- **Serving.** All servers have the same ONNX file, which the image-classification program trained and which comes from
  the deployed artifact. They get the same 16 drawn images of 32 by 32 pixels (about 2.5 KB as PNG) in turn, decode them
  with the same code, and call the same onnxruntime with one thread per call. Frameworks run one worker process (a
  replica) per processor. LitServe and MLServer get the image as base64 in JSON, as their protocols require; the others
  get it as the body. Before the load, all 16 responses of each server are compared with the model's. A warm-up of
  200 ms does not count. Each server is restarted for each repeat, and only the idle cloud runs at the same time. The
  floor is one process without a server that decodes and classifies in a loop.
- **The endpoint** is called through the cloud's gateway. Every request is signed within the measured time, its
  signature is checked, and the request and its response are captured.
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
