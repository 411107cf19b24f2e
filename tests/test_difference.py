"""`python -m reports diff` lists what differs between two runs, as text or as Markdown, and its exit status says so."""

from reports.__main__ import main
from tests.miniatures.results import claim, finished, footer, header, lines


def differ(folder, capsys, one, other):
    """The exit status of `diff` of two files with these contents, and its lines."""
    paths = [folder / "a.jsonl", folder / "b.jsonl"]
    for path, content in zip(paths, (one, other)):
        path.write_bytes(content)
    return main(["diff", *map(str, paths)]), capsys.readouterr().out.splitlines()


def test_diff_finds_nothing_in_the_same(tmp_path, capsys):
    """`diff` of two runs with the same verdicts exits 0."""
    status, said = differ(tmp_path, capsys, finished(claim(seconds=1)), finished(claim(seconds=2), version="3.8.0"))
    assert status == 0
    assert said == ["keras 3.9.0 on jax 0.9.0, Python 3.12.1 -> keras 3.8.0 on jax 0.9.0, Python 3.12.1: no claim differs"]


def test_diff_lists_what_differs(tmp_path, capsys):
    """`diff` lists the claims whose verdict differs and those that one run alone has, and exits 1."""
    one = finished(claim("example/a"), claim("example/b"))
    other = finished(claim("example/a", verdict="error", reason="KeyError: 1"), claim("example/c"), claim("example/d"))
    status, said = differ(tmp_path, capsys, one, other)
    assert status == 1
    assert said[0].endswith(": 4 claims differ")
    assert said[1:] == [
        "example/a: holds -> error (KeyError: 1)",
        "example/b: holds -> (not in this run)",
        "example/c: (not in this run) -> holds",
        "example/d: (not in this run) -> holds",
    ]


def test_diff_does_not_call_an_incomplete_run_the_same(tmp_path, capsys):
    """`diff` with a file that was cut off compares what there is, and exits 2."""
    status, said = differ(tmp_path, capsys, finished(claim()), lines(header(), claim()))
    assert status == 2
    assert said[0].endswith("no claim differs")


def test_diff_refuses_a_bad_file(tmp_path, capsys):
    """`diff` with a file that cannot be relied on compares nothing, and exits 2."""
    assert differ(tmp_path, capsys, finished(claim()), lines(header(format=2), footer())) == (2, [])
