"""What the search imports: the engine and Optuna's internals through one adapter each, strategies through their contract only."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from pathlib import Path

TUNER = Path(__file__).parents[2] / "tuner"
ENGINE = {
    "calibration/problem.py",  # fits constants on what the engine's walk makes of them
    "model/engine_model.py",
    "model/engine_objectives.py",
    "model/lowered.py",
    "verify/execution.py",  # executes what the engine has lowered
}
"""The adapter of the engine model: what it lowers, times and executes."""


def imported() -> Iterator[tuple[str, str]]:
    """Each module that a file of the tuner imports, wherever in the file; relative ones as from the tuner's folder."""
    for path in TUNER.rglob("*.py"):
        file = path.relative_to(TUNER)
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Import):
                yield from ((file.as_posix(), each.name) for each in node.names)
            elif isinstance(node, ast.ImportFrom):
                up = file.parts[: len(file.parts) - node.level] if node.level else ()
                base = ".".join([*up, *((node.module or "").split(".") if node.module else ())])
                yield from ((file.as_posix(), f"{base}.{each.name}".lstrip(".")) for each in node.names)


def test_the_engine_is_reached_through_the_model_only() -> None:
    engine = re.compile(r"tilery\.backends\.(engine|machine|trainium)\b")
    assert {file for file, name in imported() if engine.match(name)} == ENGINE


def test_only_who_chooses_a_model_names_the_engine_s() -> None:
    assert {file for file, name in imported() if name.endswith(".EngineModel")} == {"results/choose.py"}


def test_internals_of_optuna_stand_in_one_file() -> None:
    assert {file for file, name in imported() if re.match(r"optuna\..*\b_", name)} == {"together/optuna_internals.py"}


def test_a_strategy_knows_nothing_but_its_contract() -> None:
    """So that it serves every way of tuning: none of a space, a model or a record."""
    allowed = re.compile(r"(strategy|strategies\.parts)\.|space\.given\.Value$")
    own = {name for file, name in imported() if file.startswith("strategies/") and not re.match(r"[a-z_]+$|__future__", name)}
    ours = {each for each in own if each.split(".")[0] in {path.stem for path in TUNER.iterdir()}}
    assert ours
    assert {each for each in ours if not allowed.match(each)} == set()
