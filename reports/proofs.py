"""The proof of a claim: the source of its test, without its docstring and its `@claim`, for the page says that already.

Results files come from anywhere, so only what stands under `specs/` is ever read. Python 3.7 does not tell where a
function ends, so that pages that it makes have no proofs.
"""

import ast
import functools
import html
import re
import sys
from pathlib import Path
from typing import Any, Dict, Iterable, List, Optional, Sequence, Set, Tuple

from markupsafe import Markup
from pygments import lex
from pygments.lexers import PythonLexer
from pygments.token import Comment, Keyword, Name, Operator, String, _TokenType

from reports.results import Outcome

SPECS = Path(__file__).parent.parent / "specs"
EXAMPLE = re.compile(r"(A worked e|An e|E)xample\b")  # how the sentence of a claim that is one begins
# Which element each kind of token becomes; any other is plain. Short ones without a role, since there are very many: the
# numbers alone would be some 50 KB.
ELEMENTS = ((Keyword, "b"), (Operator.Word, "b"), (Name.Decorator, "b"), (Comment, "i"), (String, "u"))


def is_example(outcome: Outcome) -> bool:
    """Whether the claim is a complete worked example."""
    return bool(EXAMPLE.match(outcome.sentence))


def proof(outcome: Outcome) -> Optional[str]:
    """The source of the claim's test, of an example all that it uses of its module above it; None where that is not here."""
    module = _module(outcome.source.rpartition(":")[0])
    return module.source(_test_name(outcome.id), whole=is_example(outcome)) if module else None


def highlighted(source: str) -> Markup:
    """Python as HTML."""
    pieces: List[Tuple[str, str]] = []
    for kind, text in lex(source, _LEXER):
        element = _element(kind)
        if pieces and pieces[-1][0] == element:
            pieces[-1] = element, pieces[-1][1] + text
        else:
            pieces.append((element, text))
    escaped = [(element, html.escape(text, quote=False)) for element, text in pieces]
    return Markup("".join(f"<{e}>{text}</{e}>" if e and text.strip() else text for e, text in escaped))


_LEXER = PythonLexer(stripnl=False, ensurenl=False)


@functools.lru_cache(maxsize=None)
def _element(kind: _TokenType) -> str:
    return next((element for wanted, element in ELEMENTS if kind in wanted), "")


def _test_name(identity: str) -> str:
    return "test_" + identity.partition("/")[2].replace("-", "_")


class _Module:
    """A module of specs, parsed: what stands at its top level, by name."""

    def __init__(self, text: str) -> None:
        self._lines = text.splitlines()
        self._nodes: Dict[str, ast.stmt] = {}
        for node in ast.parse(text).body:
            for name in _bound(node):
                self._nodes.setdefault(name, node)

    def source(self, name: str, whole: bool) -> Optional[str]:
        """The function's source; if `whole`, below all of the module that it uses."""
        test = self._nodes.get(name)
        if not isinstance(test, ast.FunctionDef):
            return None
        docstring = test.body[:1] if len(test.body) > 1 and ast.get_docstring(test) else []
        if not whole:
            return self._text(test, [*docstring, *_claims(test)])
        used = self._used(test)
        imports = [_import(node, names) for node, names in used if isinstance(node, (ast.Import, ast.ImportFrom))]
        helpers = [self._text(node) for node, _ in used if not isinstance(node, (ast.Import, ast.ImportFrom))]
        return "\n\n\n".join(["\n".join(imports), *helpers, self._text(test, [*docstring, *_claims(test)])]).strip()

    def _used(self, test: ast.FunctionDef) -> List[Tuple[ast.stmt, Set[str]]]:
        """The statements that bind the names that it uses, and those that these use, in their order."""
        found: Dict[ast.stmt, Set[str]] = {}
        waiting = _names([*test.body, *(node for node in test.decorator_list if node not in _claims(test))])
        seen: Set[str] = set()
        while waiting:
            name = waiting.pop()
            node = self._nodes.get(name)
            if node is None or node is test or name in seen:
                continue
            seen.add(name)
            found.setdefault(node, set()).add(name)
            waiting |= _names([node])
        return sorted(found.items(), key=lambda pair: pair[0].lineno)

    def _text(self, node: Any, left_out: Sequence[ast.AST] = ()) -> str:
        first = min([node.lineno, *(decorator.lineno for decorator in getattr(node, "decorator_list", []))])
        gone = {n for part in left_out for n in range(part.lineno, part.end_lineno + 1)}  # type: ignore[attr-defined]
        return "\n".join(self._lines[n - 1] for n in range(first, node.end_lineno + 1) if n not in gone)


@functools.lru_cache(maxsize=None)
def _module(path: str) -> Optional[_Module]:
    file = (SPECS.parent / path).resolve()
    if sys.version_info < (3, 8) or SPECS.resolve() not in file.parents or file.suffix != ".py" or not file.is_file():
        return None
    return _Module(file.read_text(encoding="utf-8"))


def _bound(node: ast.stmt) -> List[str]:
    if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
        return [node.name]
    if isinstance(node, (ast.Import, ast.ImportFrom)):
        return [(alias.asname or alias.name).partition(".")[0] for alias in node.names]
    if isinstance(node, (ast.Assign, ast.AnnAssign)):
        targets = node.targets if isinstance(node, ast.Assign) else [node.target]
        return [name.id for target in targets for name in ast.walk(target) if isinstance(name, ast.Name)]
    return []


def _names(nodes: Iterable[ast.AST]) -> Set[str]:
    return {name.id for node in nodes for name in ast.walk(node) if isinstance(name, ast.Name)}


def _claims(test: ast.FunctionDef) -> List[ast.expr]:
    """Its decorator `claim`, which says where it holds."""
    return [node for node in test.decorator_list if isinstance(node, ast.Call) and _names([node.func]) == {"claim"}]


def _import(node: Any, names: Set[str]) -> str:
    """The import of these names alone."""
    kept = [alias for alias in node.names if (alias.asname or alias.name).partition(".")[0] in names]
    listed = ", ".join(f"{alias.name} as {alias.asname}" if alias.asname else alias.name for alias in kept)
    return f"from {node.module} import {listed}" if isinstance(node, ast.ImportFrom) else f"import {listed}"
