"""`import tilery.hook` makes `.tk` files importable: `from mykernels.attention import attention`, with no `.py` beside it.

A `.tk` file is found wherever Python would find a module of that name, in packages too, and after Python's own kinds of
modules. Its kernels are attributes of the module, tuned by the `.tuned.json` beside it. The text is read when a kernel is
first asked for, so that importing costs next to nothing; mistakes in it are reported then, as `tilery check` reports them.
"""

from __future__ import annotations

import importlib.machinery
import sys
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .kernel import Kernel
    from .library import Library


class KernelModule(ModuleType):
    """A module whose attributes are the kernels of a `.tk` file."""

    def __getattr__(self, name: str) -> Kernel:
        # Python and its tools ask every module for names like `__path__`; these must not make it read the text.
        if name.startswith("__"):
            raise AttributeError(f"module {self.__name__!r} has no attribute {name!r}")
        kernel: Kernel = getattr(_library(self), name)
        setattr(self, name, kernel)
        return kernel

    def __dir__(self) -> list[str]:
        return sorted({*self.__dict__, *_library(self)})


def _library(module: ModuleType) -> Library:
    from .library import load

    library: Library | None = module.__dict__.get("__library__")
    if library is None:
        library = module.__dict__["__library__"] = load(str(module.__file__))
    return library


class TkLoader(Loader):
    """Makes the module of one `.tk` file."""

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """The module, its text not yet read."""
        return KernelModule(spec.name)

    def exec_module(self, module: ModuleType) -> None:
        """Nothing is run: the text is read when a kernel is asked for."""

    def get_resource_reader(self, fullname: str) -> None:
        """A `.tk` file holds no further files."""


class TkFinder(MetaPathFinder):
    """Finds `NAME.tk` in the folders where Python looks for `NAME`."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> ModuleSpec | None:
        """How to make the module, or None if there is no such file."""
        for folder in sys.path if path is None else path:
            file = Path(folder or ".") / f"{fullname.rpartition('.')[2]}.tk"
            if file.is_file():
                spec = importlib.machinery.ModuleSpec(fullname, TkLoader(), origin=str(file.resolve()))
                spec.has_location = True
                return spec
        return None


def install() -> None:
    """Adds the finder, once. It comes last, so that no module that Python knows itself changes its meaning."""
    if not any(isinstance(each, TkFinder) for each in sys.meta_path):
        sys.meta_path.append(TkFinder())


install()
