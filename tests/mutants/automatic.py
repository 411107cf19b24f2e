"""Mutants that nobody thought of: Cosmic Ray's operators, and dropped statements, where Keras does what the FAQ promises.

`automatic.toml` says in which files of Keras, and which modules of claims are to notice; `judged.toml` of those that none
notices why none has to. A sample of a fixed seed has at most one change a line, and is the same on every machine.
"""

import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, Iterator, List

import tomllib
from cosmic_ray.ast import ast_nodes, get_ast
from cosmic_ray.mutating import mutate_code
from cosmic_ray.operators.operator import Operator
from cosmic_ray.plugins import get_operator
from parso import parse
from parso.python.tree import ExprStmt, PythonNode

PROMISES: Dict[str, List[Dict[str, Any]]] = tomllib.loads(Path(__file__).with_name("automatic.toml").read_text())
SAMPLED = {"keras": 300, "tf_keras": 60}  # changes of each package
OPERATORS = [
    *["ReplaceBinaryOperator_" + pair for pair in ("Add_Sub", "Sub_Add", "Mul_Div", "Div_Mul", "FloorDiv_Mul", "Mod_FloorDiv")],
    *["ReplaceComparisonOperator_" + pair for pair in ("Lt_LtE", "LtE_Lt", "Gt_GtE", "GtE_Gt", "Eq_NotEq", "NotEq_Eq")],
    *["ReplaceComparisonOperator_Is_IsNot", "ReplaceComparisonOperator_IsNot_Is"],
    *["ReplaceTrueWithFalse", "ReplaceFalseWithTrue", "ReplaceAndWithOr", "ReplaceOrWithAnd"],
    *["ReplaceUnaryOperator_" + pair for pair in ("USub_UAdd", "Delete_Not")],
    *["AddNot", "NumberReplacer", "ZeroIterationForLoop", "ReplaceBreakWithContinue", "ReplaceContinueWithBreak"],
]


class DropStatement(Operator):
    """An assignment, or a call whose result nobody wants, is left out."""

    def mutation_positions(self, node):
        """Where one is: a statement of a body, and not a docstring."""
        alone = getattr(node.parent, "type", None) == "simple_stmt" and getattr(node.parent.parent, "type", None) == "suite"
        if alone and (isinstance(node, ExprStmt) or (isinstance(node, PythonNode) and node.type in ("power", "atom_expr"))):
            yield node.start_pos, node.end_pos

    def mutate(self, node, index):
        """What stands there instead."""
        return parse(node.get_first_leaf().prefix + "pass")

    @classmethod
    def examples(cls):
        """For Cosmic Ray's own tests, which do not know this one."""
        return ()


@dataclass(frozen=True)
class Change:
    """One change: in this file of `keras` or `tf_keras`, at this line, by this operator, the nth place where it fits."""

    package: str
    file: str
    line: int
    operator: str
    place: int

    @property
    def id(self) -> str:
        """Its name in `judged.toml`."""
        return f"{'' if self.package == 'keras' else self.package + '/'}{self.file}:{self.line} {self.operator} {self.place}"

    @property
    def promise(self) -> Dict[str, Any]:
        """What `automatic.toml` says of its file."""
        return next(promise for promise in PROMISES[self.package] if self.file in promise["files"])

    def path(self, folder: Path) -> Path:
        """Its file, where the package lies in this folder."""
        return folder / self.package / "src" / self.file

    def text(self, folder: Path) -> str:
        """The whole file, changed."""
        return mutate_code(self.path(folder).read_text(), _operator(self.operator), self.place)


def judged() -> Dict[str, str]:
    """Of each mutant that was judged: why no promise is broken by it, or nothing that can be observed."""
    return tomllib.loads(Path(__file__).with_name("judged.toml").read_text())


def _operator(name: str) -> Operator:
    return DropStatement() if name == DropStatement.__name__ else get_operator(f"core/{name}")()


def changes_of(folder: Path, package: str, file: str) -> Iterator[Change]:
    """All changes of a file of the package in this folder."""
    nodes = list(ast_nodes(get_ast((folder / package / "src" / file).read_text())))
    for name in [*OPERATORS, DropStatement.__name__]:
        operator = _operator(name)
        places = [start for node in nodes for start, _ in operator.mutation_positions(node)]
        for place, (line, _) in enumerate(places):
            yield Change(package, file, line, name, place)


def sample(folder: Path, package: str = "keras", seed: int = 2018) -> List[Change]:
    """As many changes as are tried of the package in this folder, each of another line, drawn from those of all files."""
    files = [file for promise in PROMISES[package] for file in promise["files"]]
    drawn = [change for file in files for change in changes_of(folder, package, file)]
    random.Random(seed).shuffle(drawn)
    of_line: Dict[Any, Change] = {}
    for change in drawn:
        of_line.setdefault((change.file, change.line), change)
    return list(of_line.values())[: SAMPLED[package]]
