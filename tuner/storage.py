"""Where the trials of several workers are kept: SQLite, Optuna's journal file, a database server, or Optuna's gRPC proxy."""

from __future__ import annotations

import hashlib
import importlib.util
import json
import re
import sys
import time
import warnings
from collections.abc import Sequence
from pathlib import Path

import optuna
from optuna.storages import BaseStorage, GrpcStorageProxy, JournalStorage, RDBStorage
from optuna.storages.journal import JournalFileBackend

from ..backends.tunable import Tunable
from ..dsl.errors import TileryError, UsageError
from .entry import Key, Prints
from .shared import on_lost
from .sharing import GRACE_S, shown

READY_S = 10.0
"""How long a gRPC proxy is waited for."""
TRIES = 5
"""How often a database is opened: workers that start together may be in each other's way while its tables are made."""

FIRST_LINE_BYTES = 1 << 16
"""Of a file that is to be a journal, so much is read to see whether it is one."""

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
            return _journal(Path(rest))
        if not colon and Path(url).suffix in (".journal", ".log"):
            return _journal(Path(url))
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
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


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


def _journal(path: Path) -> BaseStorage:
    try:
        if path.exists() and not _is_journal(path):
            raise StorageError(f"--storage: {path} is something else than a journal of Optuna; name another file")
        return JournalStorage(JournalFileBackend(str(path)))
    except OSError as error:
        raise StorageError(f"--storage: {path} cannot be opened: {error.strerror}") from None
    except ValueError as error:
        raise StorageError(f"--storage: {path} is damaged: {error}; name another file") from None


def _is_journal(path: Path) -> bool:
    """Whether a file is one of Optuna's, or empty; a device or a pipe is none, and reading it might never end."""
    if not path.is_file():
        return False
    with path.open("rb") as file:
        first = file.readline(FIRST_LINE_BYTES)
    return not first or b'"op_code"' in first


def _proxy(url: str, host: str, port: int) -> BaseStorage:
    _need("grpc")
    proxy = GrpcStorageProxy(host=host, port=port)
    try:
        proxy.wait_server_ready(timeout=READY_S)
    except ConnectionError:
        raise StorageError(f"--storage {url}: no gRPC proxy answers there; docs/machines.md says how to start one") from None
    return proxy


def _database(url: str, grace_s: int) -> BaseStorage:
    if url.startswith("postgresql"):
        _need("psycopg")
        url = re.sub("^postgresql:", "postgresql+psycopg:", url)
    sqlite = url.startswith("sqlite")
    # SQLite lets one write at a time: the others wait for their turn.
    engine = {"connect_args": {"timeout": 60}} if sqlite else {"pool_pre_ping": True}
    for last in (False,) * (TRIES - 1) + (True,):
        try:
            storage = RDBStorage(
                url,
                engine,
                heartbeat_interval=max(1, grace_s // 4),
                grace_period=grace_s,
                heartbeat_stale_trial_callback=on_lost(),
            )
            return optuna.storages.get_storage(storage)
        except ImportError as error:
            raise UsageError(f"--storage {shown(url)}: a driver is missing: {error}") from None
        except Exception as error:
            # SQLAlchemy's and Optuna's errors have nothing in common that would tell a race from a refusal; a race ends.
            if last:
                reason = str(getattr(error, "orig", None) or error).strip().splitlines()[0]
                raise StorageError(f"--storage {shown(url)}: cannot be opened: {reason}") from None
            time.sleep(0.2)
    raise AssertionError("the last try returns or raises")


def _need(package: str) -> None:
    if importlib.util.find_spec(package) is None:
        extra = EXTRAS[package]
        raise UsageError(f"this storage needs the package {package}: pip install 'tilery[{extra}]'")
