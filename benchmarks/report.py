"""The figures as docs/benchmarks.md and its charts."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from benchmarks import chart
from benchmarks.results import Results
from benchmarks.tables import Table, goals, tables

HEAD = """# Benchmarks

Written by `make bench`, whole. `make bench ARGS='--only s3,serving'` takes some parts anew, `--quick` looks without
writing. Everything runs on one machine over loopback: each peer from the package index, in an environment and a process
of its own, driven by the same client code, in turn with ours (A B C A B C …). A cell is the median of the repeats, with
their range. A server shares the processors with the client that loads it, as on a developer's machine: the absolute
figures are this machine's, the ratios travel better.
"""
CHART = """![Requests per second and latency of the model servers](images/benchmarks.svg)
"""
GROWTH = """![What listings take while more is kept](images/growth.svg)
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
  their API, up to 10,000. Each figure is the p50 of calls one at a time. Before keyset paging and skip scans, the
  revision 44e0413 took, with 200,000 instead of 1,000, 50 times as long for a rare status, 24 times for a page near
  the end and 20 times for a delimited listing (in one run, on a loaded machine).
- **Serving.** One ONNX file, trained by the built-in algorithm and taken out of the deployed artifact; 16 drawn
  pictures of 32 by 32 pixels and about 2.5 KB of PNG, in turn; the same decoding and the same onnxruntime, on one
  thread a call, in every server. Frameworks run a worker process (a replica) a processor. LitServe and MLServer get
  the picture in base64 within JSON, as their protocols want it; all others as the body. All 16 answers of each server
  are compared with the model's before the load. 200 ms of warm-up are not counted; each server is started anew for
  each repeat, and only the idle cloud runs beside it. The floor is one process that decodes and classifies in a loop,
  without any server.
- **The endpoint** is asked through the cloud's gateway: every request is signed within the timed loop, its signature
  is checked, and the request and its answer are captured.
"""


def write(results: Results, folder: Path, order: list[str]) -> None:
    """Write benchmarks.md and its charts into a folder, the parts in the order given."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    drawn = chart.draw(results.rows("serving"), folder / "images" / "benchmarks.svg")
    grown = chart.draw_growth(results.rows("growth"), folder / "images" / "growth.svg")
    images = [image for image, made in ((CHART, drawn), (GROWTH, grown)) if made]
    (folder / "benchmarks.md").write_text(document(results, order, images))


def document(results: Results, order: list[str], images: list[str]) -> str:
    """Return the document, with links to the charts that were drawn."""
    rows = results.rows(*order)
    verdicts = [verdict for row in rows for verdict in row.verdicts]
    met = f"{sum(verdict.met for verdict in verdicts)} of {len(verdicts)} are met.\n"
    text = [HEAD, *images, goals(rows).markdown(), met]
    text += [table.markdown() for table in tables(rows)]
    text += [NOTES, _pairs("Where", "this machine", results.machine).markdown()]
    text.append(_pairs("With what", "version", results.versions).markdown())
    taken = [[name, part["when"], f"{part['seconds']:.0f} s"] for name, part in results.parts.items()]
    text.append(Table("When", ["part", "measured", "took"], taken).markdown())
    return "\n".join(text)


def _pairs(title: str, what: str, pairs: Mapping[str, str]) -> Table:
    return Table(title, ["", what], [[name, value] for name, value in pairs.items()])
