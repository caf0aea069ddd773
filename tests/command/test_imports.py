"""What `import tilery` and `tilery --help` bring along: nothing heavy."""

from __future__ import annotations

import pkgutil
import subprocess
import sys

import pytest

import tilery.command
from tilery.command.cli import COMMANDS

HEAVY = ("numpy", "optuna", "lark", "scipy", "rich", "msgspec", "ml_dtypes", "sqlalchemy")


def loaded(statement: str) -> set[str]:
    code = f"import sys\n{statement}\nprint(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "statement", ["import tilery", "import tilery.command.cli", "import tilery.kernels; dir(tilery.kernels)"]
)
def test_importing_is_light(statement: str) -> None:
    assert loaded(statement).isdisjoint(HEAVY)


def test_help_of_every_command_is_light() -> None:
    code = "from tilery.command.cli import COMMANDS, main\nimport click"
    assert loaded(f"{code}\nfor each in COMMANDS: main.get_command(click.Context(main), each)").isdisjoint(HEAVY)


def test_every_file_beside_the_command_line_is_one_of_its_commands() -> None:
    files = {each.name for each in pkgutil.iter_modules(tilery.command.__path__) if not each.ispkg}
    assert files - {"cli", "stages"} == {each.replace("-", "_") for each in COMMANDS}


def test_a_shipped_kernel_is_not_parsed_before_it_is_used() -> None:
    assert "lark" not in loaded("from tilery.kernels import matmul")


def test_calling_needs_no_optuna() -> None:
    assert "optuna" not in loaded("import numpy as np; from tilery.kernels import softmax; softmax(np.ones((3, 5), np.float32))")


def test_public_names_resolve() -> None:
    import tilery

    for name in tilery.__all__:
        assert getattr(tilery, name).__name__ == name
        assert name in dir(tilery)
    with pytest.raises(AttributeError, match="nonsense"):
        tilery.nonsense  # noqa: B018
