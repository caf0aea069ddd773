"""Where the trials of several workers are kept: SQLite, Optuna's journal file, a database server, or Optuna's gRPC proxy."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sys
import time
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage

from tilery.backends.tunable import Tunable
from tilery.dsl.errors import TileryError, UsageError
from tilery.dsl.looking import exists, is_file, is_folder

from ..results.entry import Key, Prints
from .journal import Journal
from .shared import on_lost
from .sharing import GRACE_S, shown

READY_S = 10.0
"""How long a server is waited for."""
LOCKED_S = 30
"""How long SQLite waits for another process that has locked its file."""
FIRST_BYTES = 1 << 16
"""How much of a file is looked at to see whose it is."""
SQLITE = b"SQLite format 3\0"
"""How its files begin; an empty one is one that has just been made."""
TRIES = 5
"""How often a database is opened: workers that start together may be in each other's way while its tables are made."""

FORMS = (
    "sqlite:///tuning.db, journal:tuning.journal (or any path that ends in .journal or .log), "
    "postgresql://USER@HOST/DATABASE, or grpc://HOST:PORT"
)
EXTRAS = {"psycopg": "postgres", "grpc": "grpc"}
"""Packages that a storage needs, and the extra that brings them."""


class StorageError(TileryError):
    """A storage that cannot be opened or reached; the message says what to do."""


def open_storage(url: str, grace_s: int = GRACE_S) -> BaseStorage:
    """The storage of a URL, made if it is not there yet.

    Workers show signs of life; one that is silent for `grace_s` loses its trial to another. Raises `UsageError` for a form
    that is not known or a driver that is not installed, `StorageError` for what cannot be reached or is something else.
    """
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    scheme, colon, rest = url.partition(":")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
        if scheme == "journal" and rest:
            return _journal(url, Path(rest))
        if not colon and Path(url).suffix in (".journal", ".log"):
            return _journal(url, Path(url))
        if match := re.fullmatch(r"grpc://([^/:]+):(\d+)/?", url):
            return _proxy(url, match[1], int(match[2]))
        if re.fullmatch(r"(sqlite|postgresql|mysql)(\+\w+)?", scheme) and rest.startswith("//"):
            return _database(url, grace_s)
    help_text = f"; for SQLite write sqlite:///{url}" if Path(url).suffix in (".db", ".sqlite") else f"; write {FORMS}"
    raise UsageError(f"--storage {shown(url)}: this is no storage{help_text}")


def in_short(error: Exception) -> str:
    """What a lost storage has to say: the first line of what the database or the system said, not of what was made of it."""
    while isinstance(error.__cause__, Exception):
        error = error.__cause__
    if isinstance(error, OSError) and error.strerror:
        return error.strerror
    details = getattr(error, "details", None)
    said = details() if callable(details) else error  # gRPC's own words fill a page
    return next(iter(str(said).strip().splitlines()), type(error).__name__)


def lost_errors() -> tuple[type[Exception], ...]:
    """What the storages raise when they are out of reach in the middle of a search."""
    from sqlalchemy.exc import SQLAlchemyError

    known: list[type[Exception]] = [optuna.exceptions.StorageInternalError, OSError, SQLAlchemyError]
    if "grpc" in sys.modules:
        known.append(sys.modules["grpc"].RpcError)
    return tuple(known)


def study_name(key: Key, prints: Prints, tunables: Sequence[Tunable], objective: str, command: str = "") -> str:
    """The name that workers of one tuning agree on without being told: what is tuned, and a digest of all it depends on.

    What another `command` measures is another study.
    """
    domains = [(each.name, list(each.values)) for each in tunables]
    facts = [str(key), prints.program, prints.chip, domains, objective, command]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()[:12]
    return f"{str(key)[:400]} {objective} {digest}"


@contextmanager
def reaching(url: str) -> Iterator[None]:
    """Tells of a storage that turns out to be unusable inside the block with `StorageError`."""
    try:
        yield
    except lost_errors() as error:
        raise unusable(url, in_short(error)) from None


def unusable(url: str, why: str) -> StorageError:
    """The error of a storage that is there and cannot be used, or is not there."""
    server = re.match(r"(postgresql|mysql)", url)
    cure = (
        "see that the server runs and lets you in; docs/machines.md says how to set one up"
        if server
        else "name another file, in a folder that can be written to and has room"
    )
    return StorageError(f"--storage {shown(url)}: cannot be used: {why}\nhelp: {cure}")


def _check_file(url: str, path: Path) -> None:
    """`StorageError` unless a storage's file can be there: opening a pipe would wait for ever, reading a device never end."""
    if is_folder(path):
        raise unusable(url, f"{path} is a folder")
    if not is_folder(path.parent):
        raise unusable(url, f"there is no folder {path.parent}")
    if exists(path) and not is_file(path):
        raise unusable(url, f"{path} is a pipe or a device, no ordinary file")


def _first(path: Path) -> bytes:
    """How a file begins."""
    if not exists(path):
        return b""
    with path.open("rb") as file:
        return file.read(FIRST_BYTES)


def _journal(url: str, path: Path) -> BaseStorage:
    with reaching(url):
        _check_file(url, path)
        first = _first(path).partition(b"\n")[0]
        if first and b'"op_code"' not in first:
            raise unusable(url, f"{path} is something else than a journal of Optuna")
        try:
            return JournalStorage(Journal(path))
        except (AssertionError, AttributeError, LookupError, TypeError, ValueError) as error:
            # Optuna takes every entry for one of its own, and says nothing useful of others.
            raise unusable(url, f"{path} is damaged: {type(error).__name__}: {error}") from None


def _proxy(url: str, host: str, port: int) -> BaseStorage:
    _need("grpc")
    proxy = GrpcStorageProxy(host=host, port=port)
    try:
        proxy.wait_server_ready(timeout=READY_S)
    except ConnectionError:
        raise StorageError(f"--storage {url}: no gRPC proxy answers there; docs/machines.md says how to start one") from None
    return proxy


def _database(url: str, grace_s: int) -> BaseStorage:
    if url.startswith("sqlite"):
        _check_sqlite(url)
    driver = url
    if url.startswith("postgresql"):
        _need("psycopg")
        driver = re.sub("^postgresql:", "postgresql+psycopg:", url)
    start = time.monotonic()
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            storage = RDBStorage(
                driver,
                _engine(driver),
                heartbeat_interval=max(1, grace_s // 4),
                grace_period=grace_s,
                heartbeat_stale_trial_callback=on_lost(),
            )
            return optuna.storages.get_storage(storage)
        except ImportError as error:
            raise UsageError(f"--storage {shown(url)}: a driver is missing: {error}") from None
        except Exception as error:
            # SQLAlchemy's and Optuna's errors have nothing in common that would tell a race from a refusal; a race ends.
            if last or time.monotonic() - start > READY_S:
                raise unusable(url, in_short(error)) from None
            time.sleep(0.2)
    raise AssertionError("the last try returns or raises")


def _engine(url: str) -> dict[str, object]:
    """What SQLAlchemy is told about a database."""
    if url.startswith("sqlite"):
        # SQLite lets one write at a time: the others wait for their turn.
        return {"connect_args": {"timeout": LOCKED_S}}
    # A host that answers nothing at all would else be waited for for minutes.
    waiting = (
        {"connect_args": {"connect_timeout": int(READY_S)}} if re.match(r"postgresql\+psycopg:|mysql\+pymysql:", url) else {}
    )
    return {"pool_pre_ping": True, **waiting}


def _check_sqlite(url: str) -> None:
    from sqlalchemy.engine import make_url

    name = make_url(url).database
    if not name or name == ":memory:":
        raise UsageError(
            f"--storage {url}: this keeps nothing\nhelp: name a file, as in sqlite:///tuning.db, or leave --storage out"
        )
    if name.startswith("file:"):
        return  # a URI of SQLite's own, whose options are for those who know them
    with reaching(url):
        _check_file(url, Path(name))
        if not SQLITE.startswith(_first(Path(name))[: len(SQLITE)]):
            raise unusable(url, f"{name} is something else than a database of SQLite")


def _need(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        extra = EXTRAS[package]
        raise UsageError(f"this storage needs the package {package}: pip install 'tilery[{extra}]'")
