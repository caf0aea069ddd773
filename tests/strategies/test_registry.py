"""Strategies by name: ours, those of installed packages, and those that are named by where they stand."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from tilery.dsl.errors import UsageError
from tilery.kernels import softmax
from tilery.tuner import Search, Strategy, registry
from tilery.tuner.model.search import mixture

SPACE = {"a": [1, 2, 3], "b": [1, 2, 3]}
TEXT = '''
from tilery.tuner import Strategy


class Last(Strategy):
    """The last one that is open."""

    def propose(self):
        return int(self.candidates.open()[-1])


class Unfinished(Strategy):
    pass


number = 3
'''


class First(Strategy):
    """The first one that is open."""

    def propose(self) -> int | None:
        return int(self.candidates.open()[0])


class Bounded(First):
    """Says that it needs a model."""

    needs_bounds = True


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "mine.py"
    path.write_text(TEXT)
    return path


def test_every_file_of_the_folder_is_a_strategy_with_a_line_of_its_own() -> None:
    names = registry.own_names()
    assert {"surrogate", "vnd", "brute", "tpe"} <= set(names)
    assert all(issubclass(registry.own(name), Strategy) for name in names)
    assert all(registry.summaries().values())
    assert len(set(registry.summaries().values())) == len(names)


def test_one_is_named_by_its_file(file: Path) -> None:
    assert Search(SPACE, sampler=f"{file}:Last").ask() == {"a": 3, "b": 3}
    assert registry.find(f"{file}:Last") is registry.find(f"{file}:Last")


def test_one_is_named_by_its_module(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(file.parent)
    assert Search(SPACE, sampler="mine:Last").ask() == {"a": 3, "b": 3}


def test_one_is_given_as_a_class() -> None:
    class Local(First):
        pass

    assert Search(SPACE, sampler=Local).ask() == {"a": 1, "b": 1}
    assert not registry.importable(registry.register(Local))
    assert registry.importable(registry.register(First))
    assert registry.register(registry.own("brute")) == "brute"


def test_one_of_an_installed_package_is_named_as_it_is_registered(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(file.parent)
    entries = [EntryPoint(name, value, registry.GROUP) for name, value in [("last", "mine:Last"), ("tpe", "mine:Last")]]
    monkeypatch.setattr("tilery.tuner.registry.entry_points", lambda group: entries if group == registry.GROUP else [])
    assert registry.find("last").__name__ == "Last"
    assert registry.find("tpe") is registry.own("tpe"), "a package does not take the place of ours"
    assert "last" in registry.names()


@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("surogate", r"there is no strategy `surogate`; did you mean `surrogate`"),
        ("best", r"there is no strategy `best`; there are brute, .*, and your own as MODULE:CLASS or FILE\.py:CLASS"),
        ("nowhere:Mine", r"the strategy `nowhere:Mine` cannot be imported: ModuleNotFoundError"),
        ("nowhere.py:Mine", r"cannot be imported: FileNotFoundError"),
        ("{file}:Nobody", r"cannot be imported: AttributeError: .*Nobody"),
        ("{file}:number", r"is no strategy; a class that is derived from tilery\.tuner\.Strategy is expected"),
        ("{file}:Unfinished", r"is not complete: it has no propose"),
        ("math:sqrt", r"`math:sqrt` is no strategy"),
    ],
)
def test_what_is_none_is_told(name: str, told: str, file: Path) -> None:
    with pytest.raises(UsageError, match=told):
        Search(SPACE, sampler=name.replace("{file}", str(file)))


def test_a_class_that_is_no_strategy_is_told() -> None:
    with pytest.raises(UsageError, match="the name or the class of a strategy is expected"):
        Search(SPACE, sampler=dict)  # type: ignore[arg-type]


def test_what_a_strategy_cannot_do_is_refused() -> None:
    with pytest.raises(UsageError, match=r"`descent` searches for one objective only; brute, gp, nsga2, random, tpe, vnd search"):
        registry.check("descent", 2, bounds=True)
    with pytest.raises(UsageError, match="needs the lower bounds of a model, which this space has not"):
        Search(SPACE, sampler=Bounded, seeds=[{"a": 1, "b": 1}])
    assert Search(softmax.space(M=256, N=512), sampler=Bounded).ask()


def test_the_named_one_takes_turns_with_descent_and_bounds() -> None:
    assert mixture(("vnd", "auto", "brute"), "surrogate", whole=True) == ("vnd", "surrogate", "brute")
    assert mixture(("vnd", "auto", "brute"), "brute", whole=True) == ("vnd", "brute")
    assert mixture(("vnd", "auto", "brute"), "auto", whole=True) == ("vnd", "brute")
    assert mixture(("vnd", "auto", "brute"), "auto", whole=False) == ("vnd", "tpe", "brute")
