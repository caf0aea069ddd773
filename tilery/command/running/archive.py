"""Arguments from a numpy archive, and runs written to one: `run --data x.npz --save out.npz`.

numpy knows neither bf16 nor fp8 and stores them as raw bytes; `__types__` in what we write says what they are. Nothing is
unpickled, and no array is read that memory cannot hold.
"""

from __future__ import annotations

import os
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from contextlib import suppress
from math import prod
from pathlib import Path
from typing import IO, Any

import numpy as np
from numpy.typing import NDArray

from tilery.backends.numbers.rounding import numpy_dtype
from tilery.dsl import KernelDefinition
from tilery.dsl.errors import TileryError, UsageError
from tilery.dsl.looking import exists, is_file, is_folder
from tilery.dsl.report import did_you_mean
from tilery.dsl.types import BF16, ELEMENT_TYPES, ElementType
from tilery.python.calling import Call, bind_call
from tilery.request import Given, Names, sort_names

Array = NDArray[Any]
TYPES = "__types__"


class BadData(TileryError):
    """A file of arguments that cannot be read, or does not fit the kernel."""


def read_call(definition: KernelDefinition, path: Path, given: Mapping[str, Given]) -> Call:
    """The arguments in an archive or a folder of `.npy` files, scalars and constants of the command line laid over them."""
    signature = definition.signature
    names = sort_names(signature, given)
    kinds = {each.name: each.dtype for each in signature.tensors}
    stored = _stored(path)
    _refuse_unknown(definition, path, stored)
    wanted = [each.name for each in signature.parameters if each.name in stored]
    try:
        arrays = _read(path, wanted)
        said = _types(path) if TYPES in stored else {}
        values = {name: _typed(path, name, array, kinds.get(name), said, names) for name, array in arrays.items()}
        call = bind_call(definition.name, signature, (), {**values, **names.scalars, **names.constants})
    except UsageError as error:
        raise BadData(f"{path}: {error}") from error
    _agree(path, call, names)
    return call


def save(path: Path, arrays: Mapping[str, Array | float]) -> None:
    """Writes arrays by name, whole or not at all."""
    beside = path.with_name(f"{path.name}.new")
    types = [f"{name}={_name_of(each)}" for name, each in arrays.items() if np.asarray(each).dtype.kind == "V"]
    try:
        with zipfile.ZipFile(beside, "w") as archive:
            for name, each in {**arrays, TYPES: np.array(types, np.str_)}.items():
                array = np.asarray(each)
                raw = array.view(f"V{array.dtype.itemsize}") if name != TYPES and array.dtype.kind == "V" else array
                with archive.open(f"{name}.npy", "w", force_zip64=True) as stream:
                    np.lib.format.write_array(stream, raw, allow_pickle=False)
        beside.replace(path)
    except (OSError, ValueError) as error:
        with suppress(OSError, ValueError):  # where it could not be made, it cannot be taken away either
            beside.unlink()
        why = (isinstance(error, OSError) and error.strerror) or error
        raise BadData(f"{path} cannot be written: {why}") from error


def _name_of(value: Array | float) -> str:
    dtype = np.asarray(value).dtype
    return next(name for name, kind in ELEMENT_TYPES.items() if numpy_dtype(kind) == dtype)


def _refuse_unknown(definition: KernelDefinition, path: Path, stored: list[str]) -> None:
    known = [each.name for each in definition.signature.parameters]
    ours = {TYPES, *(each.name for each in definition.signature.results)}
    for name in stored:
        if name not in known and name not in ours and not name.startswith(("reference.", "updated.")):
            hint = did_you_mean(name, known) or f"it has {', '.join(known)}"
            raise BadData(f"{path}: {definition.name} has no argument `{name}`; {hint}")


def _agree(path: Path, call: Call, names: Names) -> None:
    for name, value in (*names.dims.items(), *names.types.items()):
        found = call.dims.get(name, call.types.get(name))
        if found != value:
            raise BadData(f"{path} has {name} = {found}, and {name}={value} is given: leave one out")


def _typed(path: Path, name: str, array: Array, kind: object, said: Mapping[str, str], names: Names) -> Array:
    """An array of raw bytes as what it is; others as they are, in the machine's byte order."""
    if array.dtype.kind != "V":
        return array.astype(array.dtype.newbyteorder("="), copy=False)
    t = ELEMENT_TYPES.get(said.get(name, "")) or (kind if isinstance(kind, ElementType) else names.types.get(str(kind)))
    if t is None and array.dtype.itemsize == 2:
        t = BF16
    if t is None or array.dtype.names or numpy_dtype(t).itemsize != array.dtype.itemsize:
        raise BadData(f"{path}: `{name}` is raw bytes ({array.dtype}); say what they are, as {kind}=f8e4m3")
    return array.view(numpy_dtype(t))


# --- files ------------------------------------------------------------------------------------------------------------


def _stored(path: Path) -> list[str]:
    if is_folder(path):
        return sorted(each.stem for each in path.glob("*.npy"))
    if not is_file(path):
        raise BadData(f"{path}: there is no such file" if not exists(path) else f"{path} is no regular file")
    try:
        with zipfile.ZipFile(path) as archive:
            return [each.removesuffix(".npy") for each in archive.namelist()]
    except (zipfile.BadZipFile, OSError, ValueError) as error:
        raise BadData(f"{path} is no numpy archive (.npz) that can be read: {error}") from error


def _streams(path: Path, names: list[str]) -> Iterator[tuple[str, IO[bytes]]]:
    if is_folder(path):
        for name in names:
            with (path / f"{name}.npy").open("rb") as file:
                yield name, file
        return
    with zipfile.ZipFile(path) as archive:
        for name in names:
            with archive.open(f"{name}.npy") as stream:
                yield name, stream


def _read(path: Path, names: list[str]) -> dict[str, Array]:
    """The arrays. The headers of all are read first, to know their size."""
    broken = (zipfile.BadZipFile, zlib.error, OSError, ValueError, EOFError, KeyError, RuntimeError, NotImplementedError)
    name = ""
    try:
        needed = 0
        for name, stream in _streams(path, names):  # noqa: B007  (named in the message)
            needed += _bytes(stream)
        most = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
        if needed > most:
            raise BadData(f"{path} holds {needed / 2**30:.1f} GiB of arguments, more than half of this machine's memory")
        found = {}
        for name, stream in _streams(path, names):
            found[name] = np.lib.format.read_array(stream, allow_pickle=False)
        return found
    except broken as error:
        raise BadData(f"{path}: `{name}` cannot be read as a plain array: {error}") from error


def _bytes(stream: IO[bytes]) -> int:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(stream)
    if dtype.hasobject:
        raise ValueError("it holds pickled objects")
    return prod(shape) * dtype.itemsize


def _types(path: Path) -> dict[str, str]:
    lines = np.ravel(_read(path, [TYPES])[TYPES])
    return dict(str(each).split("=", 1) for each in lines if "=" in str(each))
