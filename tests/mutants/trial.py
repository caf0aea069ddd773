"""A mutant and the tests: in a process of its own, which imports the fault in place of the file."""

from __future__ import annotations

import ast
import importlib.abc
import importlib.machinery
import importlib.util
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from types import CodeType

PRELOADED = (
    "numpy",
    "scipy.special",
    "scipy.stats",
    "pytest",
    "hypothesis",
    "lark",
    "msgspec",
    "ml_dtypes",
    "optuna",
    "rich.table",
)
"""What every trial needs and no trial changes."""
PRELOADING = "ignore::pytest.PytestAssertRewriteWarning"
PASSED, FAILED = 0, 1


class Substitute(importlib.abc.MetaPathFinder):
    """Answers the import of one module with another syntax tree."""

    def __init__(self, module: str, path: Path, tree: ast.Module) -> None:
        self.module, self.path, self.tree = module, path, tree

    def find_spec(self, fullname: str, path: object, target: object = None) -> importlib.machinery.ModuleSpec | None:
        """The module's place in its package is as always."""
        if fullname != self.module:
            return None
        loader = _Loader(fullname, str(self.path))
        loader.tree = self.tree
        return importlib.util.spec_from_file_location(fullname, self.path, loader=loader)


class _Loader(importlib.machinery.SourceFileLoader):
    tree: ast.Module

    def get_code(self, fullname: str) -> CodeType:
        return compile(self.tree, self.path, "exec")


def passes(module: str, path: Path, tree: ast.Module, tests: Sequence[str], limit_s: float) -> bool:
    """True if the tests pass with that module; one that does not end in time has failed."""
    child = os.fork()
    if not child:
        os._exit(_run(Substitute(module, path, tree), tests))
    until = time.monotonic() + limit_s
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status) == PASSED
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return False


def _run(substitute: Substitute, tests: Sequence[str]) -> int:
    with open(os.devnull, "w") as nowhere:  # noqa: PTH123
        os.dup2(nowhere.fileno(), 1)
        os.dup2(nowhere.fileno(), 2)
        sys.meta_path.insert(0, substitute)
        import pytest

        try:
            found = pytest.main(["-x", "-q", "-n", "0", "-p", "no:cacheprovider", "-W", PRELOADING, *tests])
            return PASSED if found == 0 else FAILED
        except BaseException:
            return FAILED
