"""`import tilery.hook` makes `.tk` files importable: `from mykernels.attention import attention`, with no `.py` beside it.

A `.tk` file is found wherever Python would find a module of that name, in packages too, and after Python's own kinds of
modules. A top-level one never answers installed code, which asks for modules that may be missing, nor for the names in `TAKEN`:
`import torch` fails where there is no torch, whatever `torch.tk` lies in the working directory.

Its kernels are attributes of the module, tuned by the `.tuned.json` beside it. The text is read when a kernel is
first asked for, so that importing costs next to nothing; mistakes in it are reported then, as `tilery check` reports them.
"""

from __future__ import annotations

import importlib.machinery
import os
import sys
import sysconfig
from collections.abc import Sequence
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import FrameType, ModuleType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .kernel import Kernel
    from .library import Library


TAKEN = frozenset(
    [
        "cupy",
        "dask",
        "flax",
        "google",
        "jax",
        "jaxlib",
        "keras",
        "mlx",
        "ml_dtypes",
        "numba",
        "numpy",
        "onnx",
        "onnxruntime",
        "pandas",
        "polars",
        "pyarrow",
        "scipy",
        "sklearn",
        "tensorflow",
        "tilery",
        "torch",
        "torchvision",
        "transformers",
        "triton",
    ]
)
"""Packages that code asks for to see whether they are there; with the standard library's modules, no names for kernels."""
_INSTALLED = tuple({f"{Path(sysconfig.get_path(name)).resolve()}{os.sep}" for name in ("stdlib", "purelib", "platlib")})


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
        if path is None and (fullname in TAKEN or fullname in sys.stdlib_module_names or _asked_by_installed_code()):
            return None
        for folder in sys.path if path is None else path:
            file = Path(folder or ".") / f"{fullname.rpartition('.')[2]}.tk"
            # Of a folder that may not be entered `pathlib` would raise, and break every import.
            if os.path.isfile(file):  # noqa: PTH113
                spec = importlib.machinery.ModuleSpec(fullname, TkLoader(), origin=str(file.resolve()))
                spec.has_location = True
                return spec
        return None


def _asked_by_installed_code() -> bool:
    """Whether the import stands in the standard library or in an installed package."""
    frame: FrameType | None = sys._getframe(2)
    while frame and (frame.f_code.co_filename.startswith("<frozen importlib") or _is_importing(frame)):
        frame = frame.f_back
    return frame is not None and str(Path(frame.f_code.co_filename).resolve()).startswith(_INSTALLED)


def _is_importing(frame: FrameType) -> bool:
    name = str(frame.f_globals.get("__name__", ""))
    return name == "importlib" or name.startswith("importlib.")


def install() -> None:
    """Adds the finder, once. It comes last, so that no module that Python knows itself changes its meaning."""
    if not any(isinstance(each, TkFinder) for each in sys.meta_path):
        sys.meta_path.append(TkFinder())


install()
