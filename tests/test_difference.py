"""`python -m reports diff` lists what differs between two runs, as text or as Markdown, and its exit status says so."""

from reports.__main__ import main
from tests.miniatures.results import claim, finished, footer, header, lines
from tests.test_markdown import Elements


def differ(folder, capsys, one, other, *options):
    """The exit status of `diff` of two files with these contents, and its lines."""
    paths = [folder / "a.jsonl", folder / "b.jsonl"]
    for path, content in zip(paths, (one, other)):
        path.write_bytes(content)
    return main(["diff", *options, *map(str, paths)]), capsys.readouterr().out.splitlines()


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


def test_diff_in_markdown_has_the_sentences(tmp_path, capsys):
    """`diff --markdown` is a table of sentences with both verdicts; its exit status is the same."""
    one = finished(claim("example/a"), claim("example/b"), claim("example/same"))
    other = finished(claim("example/a", verdict="error", reason="KeyError: 'a|b'"), claim("example/same"), version="3.10.0")
    status, said = differ(tmp_path, capsys, one, other, "--markdown")
    names = ["keras 3.9.0 on jax 0.9.0, Python 3.12.1", "keras 3.10.0 on jax 0.9.0, Python 3.12.1"]
    assert status == 1
    assert said == [
        f"### {names[0]} → {names[1]}: 2 claims differ",
        "",
        f"| claim | {names[0]} | {names[1]} |",
        "| --- | --- | --- |",
        "| It is one: example/a.<br>`example/a` | ✔ holds | ! error `KeyError: 'a\\|b'` |",
        "| It is one: example/b.<br>`example/b` | ✔ holds | (not in this run) |",
        "",
    ]
    assert differ(tmp_path, capsys, one, one, "--markdown")[0] == 0


def test_diff_shows_hostile_text_as_text(tmp_path, capsys):
    """What would act on a terminal, or be markup, is text in both forms."""
    hostile = "\x1b[2J</td><script>alert(1)</script>|\n# b"
    other = finished(claim(verdict="error", sentence=hostile, reason=hostile))
    _, said = differ(tmp_path, capsys, finished(claim()), other)
    assert len(said) == 2
    assert all(line.isprintable() for line in said)
    _, said = differ(tmp_path, capsys, finished(claim()), other, "--markdown")
    row = Elements("\n".join(said))
    assert set(row.tags) == {"h3", "table", "thead", "tbody", "tr", "th", "td", "br", "code"}
    assert row.tags.count("td") == 3
