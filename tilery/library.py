"""`.tk` files as Python objects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from . import dsl
from .dsl.errors import UsageError
from .dsl.report import did_you_mean
from .kernel import Kernel
from .python import checks


class Library:
    """The kernels of one `.tk` file, as attributes: `load("attention.tk").attention`."""

    def __init__(self, path: Path, module: dsl.Module, tuned: Path | None = None) -> None:
        self.path = path
        self.module = module
        self._tuned = tuned
        # A kernel taken from another file is at home there, and so are its tuned entries.
        self._kernels = {
            name: Kernel(Path(each.kernel.span.source.name), name, each, tuned) for name, each in module.kernels.items()
        }

    def __reduce__(self) -> tuple[object, ...]:
        """For other processes: by its texts, so that it is the same there whatever becomes of the files."""
        home = Path(self.module.source.name)
        return _restored, (self.path.absolute(), home, dsl.texts_of(self.module), self._tuned and self._tuned.absolute())

    def __copy__(self) -> Library:
        return self

    def __deepcopy__(self, memo: object) -> Library:
        return self

    def __getattr__(self, name: str) -> Kernel:
        # Only what is no ordinary attribute comes here; before __init__ has run, nothing does.
        kernels: dict[str, Kernel] = self.__dict__.get("_kernels", {})
        if name in kernels:
            return kernels[name]
        raise AttributeError(_no_such(self.__dict__.get("path"), name, list(kernels)))

    def __getitem__(self, name: str) -> Kernel:
        if name not in self._kernels:
            raise UsageError(_no_such(self.path, name, list(self._kernels)))
        return self._kernels[name]

    def only(self) -> Kernel:
        """The kernel of a file that has one; `UsageError` that lists them if there are several."""
        if len(self._kernels) == 1:
            return next(iter(self._kernels.values()))
        if not self._kernels:
            raise UsageError(f"{self.path} has no kernel")
        raise UsageError(
            f"{self.path} has several kernels: say which, as in {self.path}:{next(iter(self._kernels))} ({', '.join(self)})"
        )

    def __iter__(self) -> Iterator[str]:
        return iter(self._kernels)

    def __len__(self) -> int:
        return len(self._kernels)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self._kernels})

    def __repr__(self) -> str:
        return f"<tilery library {self.path}: {', '.join(self)}>"


def load(path: str | Path, *, tuned: str | Path | None = None) -> Library:
    """Reads a `.tk` file; its kernels are attributes of what is returned.

    `tuned` names a results file other than the one beside the text (`matmul.tk` -> `matmul.tuned.json`).
    Raises `UsageError` if there is no such file, `SourceErrors` with every mistake in it.
    """
    place = checks.path("path", path)
    return Library(place, dsl.load(place), None if tuned is None else checks.path("tuned", tuned))


def _no_such(path: object, name: str, names: list[str]) -> str:
    return f"{path} has no kernel `{name}`; {did_you_mean(name, names) or 'it has ' + (', '.join(names) or 'none')}"


def _restored(path: Path, home: Path, texts: Mapping[str, str], tuned: Path | None) -> Library:
    return Library(path, dsl.load(home, texts), tuned)
