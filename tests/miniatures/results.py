"""Results files as the recorder writes them, made up."""

import json

from reports.results import FORMAT, read


def header(version="3.9.0", claims=1, **changes):
    """A header that announces so many claims."""
    subject = {
        "name": f"keras {version} on jax 0.9.0, Python 3.12.1",
        "distribution": "keras",
        "version": version,
        "backend": "jax",
        "backend_version": "0.9.0",
        "python": "3.12.1",
    }
    return {
        "record": "header",
        "format": FORMAT,
        "suite": "0.1.0",
        "commit": "0123456789",
        "subject": subject,
        "packages": {"numpy": "2.0.0"},
        "platform": "Linux x86_64",
        "started": "2026-01-31T12:00:00Z",
        "claims": claims,
        "deselected": 0,
        **changes,
    }


def claim(name="example/is-true", **changes):
    """A claim that holds as recorded."""
    return {
        "record": "claim",
        "id": name,
        "group": "training",
        "question": "Is this an example?",
        "sentence": f"It is one: {name}.",
        "details": "",
        "source": "specs/training/test_example.py:7",
        "answers": ["99.1"],
        "expected": "holds",
        "instead": [],
        "bug": None,
        "verdict": "holds",
        "reason": None,
        "seconds": 0.5,
        "evidence": {},
        **changes,
    }


def footer(claims=1, **changes):
    """The footer of a run in which nothing drifted."""
    return {"record": "footer", "finished": "2026-01-31T12:00:09Z", "seconds": 9.0, "claims": claims, "exit": 0, **changes}


def lines(*records):
    """The content of a results file with these lines."""
    return b"".join(json.dumps(record).encode("utf-8") + b"\n" for record in records)


def finished(*claims, **changes):
    """The content of the file of a run that checked these claims and came to its end."""
    return lines(header(claims=len(claims), **changes), *claims, footer(claims=len(claims)))


def run_of(folder, content, name="results.jsonl"):
    """The run that a file with this content reads as."""
    path = folder / name
    path.write_bytes(content)
    return read(path)
