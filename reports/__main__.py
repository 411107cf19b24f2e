"""`python -m reports`: pages from results files, the difference between two of them, and columns to publish."""

import argparse
import importlib.util
import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, List, Optional, Sequence

from reports.terminal import short

if TYPE_CHECKING:
    from reports.results import Run

PUBLISHED = Path(__file__).with_name("published") / "results"
LATEST = Path(__file__).with_name("latest") / "results.jsonl"
DONE, DIFFERENT, INCOMPLETE, DRIFTED, REFUSED = 0, 1, 1, 1, 2


def main(arguments: Optional[List[str]] = None) -> int:
    """Run a command and return its exit status. What is wrong with its input is told on stderr, in one line each."""
    options = _parser().parse_args(arguments)
    needed = ("fastjsonschema", "jinja2", "jsonschema", "pygments")
    missing = [name for name in needed if importlib.util.find_spec(name) is None]
    if missing:
        return _refuse([f'{" and ".join(missing)} cannot be imported: pip install -e ".[report]"'])
    return {"build": _build, "diff": _diff, "publish": _publish}[options.command](options)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    commands = parser.add_subparsers(dest="command", metavar="COMMAND")
    commands.required = True
    build = commands.add_parser("build", help="write the page, FAQ.md, faq.json and a badge of results files, a column each")
    build.add_argument("results", nargs="*", type=Path, default=[LATEST], metavar="RESULTS", help=f"(default: {short(LATEST)})")
    build.add_argument("--to", type=Path, metavar="DIR", help="where to write (default: beside the first results file)")
    told = "list the claims whose verdict differs; exit 0 if none does, 1 if some do, 2 if that cannot be said"
    diff = commands.add_parser("diff", help=told)
    diff.add_argument(
        "results", nargs=2, type=Path, metavar=("A", "B"), help="two results files, or names of published columns"
    )
    diff.add_argument("--markdown", action="store_true", help="write a table with their sentences, for a summary or a comment")
    publish = commands.add_parser("publish", help="keep whole runs as published results; exit 1 if something drifted in one")
    publish.add_argument("results", nargs="+", type=Path, metavar="COLUMN.jsonl", help="results files named like their columns")
    return parser


def _build(options: argparse.Namespace) -> int:
    from reports import pages

    folder = options.to or options.results[0].parent
    try:
        runs = _read(options.results)
        if runs is None:
            return REFUSED
        written = pages.write(runs, folder)
    except OSError as error:
        return _refuse([f"the pages cannot be written to {folder} ({error.strerror}): name another folder with --to"])
    print(*map(short, written), sep="\n")
    return INCOMPLETE if _tell_incomplete(runs) else DONE


def _diff(options: argparse.Namespace) -> int:
    from reports.difference import as_markdown, as_text, differences

    runs = _read(options.results)
    if runs is None:
        return REFUSED
    one, other = runs
    found = differences(one, other)
    print((as_markdown if options.markdown else as_text)(one, other, found))
    if _tell_incomplete(runs):
        return REFUSED
    return DIFFERENT if found else DONE


def _publish(options: argparse.Namespace) -> int:
    from reports.publish import publish
    from reports.results import ResultsError

    runs = _read(options.results)
    if runs is None:
        return REFUSED
    try:
        print(*(short(publish(run)) for run in runs), sep="\n")
    except ResultsError as error:
        return _refuse([str(error)])
    except OSError as error:
        return _refuse([f"{short(PUBLISHED)} cannot be written ({error.strerror})"])
    return DRIFTED if any(run.footer and run.footer.exit for run in runs) else DONE


def _read(paths: Sequence[Path]) -> "Optional[List[Run]]":
    """The runs; None, after a line for each file that cannot be relied on, if there is any."""
    from reports.results import ResultsError, read

    runs, problems = [], []
    for path in paths:
        column = PUBLISHED / f"{path}.jsonl"  # `keras-2.2.4-tensorflow`
        try:
            runs.append(read(column if column.is_file() else path))
        except ResultsError as error:
            problems.append(str(error))
    if problems:
        _refuse(problems)
        return None
    return runs


def _tell_incomplete(runs: "Sequence[Run]") -> bool:
    """Tell of each run that did not come to its end; whether there is one."""
    incomplete = [run for run in runs if not run.complete]
    for run in incomplete:
        measured = f"{len(run.outcomes)} of {run.planned} claims"
        print(f"{run.path} is incomplete, its run was cut short after {measured}: run pytest specs again", file=sys.stderr)
    return bool(incomplete)


def _refuse(problems: Sequence[str]) -> int:
    print(*problems, sep="\n", file=sys.stderr)
    return REFUSED


def _on_a_terminal() -> int:
    """The exit status of the command line's command, whatever the output can hold and however much of it is read."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        status = main()
        sys.stdout.flush()
    except BrokenPipeError:  # as `| head` leaves it; what is still to be written goes nowhere
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return DIFFERENT
    return status


if __name__ == "__main__":
    sys.exit(_on_a_terminal())
