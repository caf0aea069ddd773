"""A PostgreSQL server of Debian's packages, on loopback, for as long as a test needs it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest


def programs() -> Path | None:
    """The folder of `initdb` and `postgres`, of the newest version installed."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda path: float(path.parts[4]))
    return found[-1].parent if found else None


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextmanager
def server() -> Iterator[str]:
    """The URL of a fresh database; the test is skipped, with a word, where PostgreSQL or its driver is not installed."""
    pytest.importorskip("psycopg")
    bin_folder = programs()
    if bin_folder is None:
        pytest.skip("PostgreSQL is not installed (apt-get install postgresql)")
    # Not pytest's folder: the server refuses to run as root, and its user has to be able to come here.
    folder = tempfile.mkdtemp(prefix="tilery-postgres-")
    try:
        user = _server_user(folder)
        _run(user, bin_folder / "initdb", "-D", f"{folder}/data", "-A", "trust", "-U", "tilery", "-E", "UTF8", "--no-sync")
        port = free_port()
        options = ["-p", str(port), "-k", folder, "-c", "listen_addresses=127.0.0.1", "-c", "fsync=off"]
        with subprocess.Popen(
            [bin_folder / "postgres", "-D", f"{folder}/data", *options], user=user, stderr=subprocess.DEVNULL
        ) as process:
            try:
                yield _when_ready(f"postgresql://tilery@127.0.0.1:{port}/postgres")
            finally:
                process.terminate()
                process.wait(30)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _server_user(folder: str) -> str | None:
    """Whom the server runs as: this user, or in the place of root one without its rights, who is given the folder."""
    if os.geteuid() != 0:
        return None
    names = {each.pw_name for each in pwd.getpwall()}
    user = "postgres" if "postgres" in names else "nobody"
    shutil.chown(folder, user)
    return user


def _run(user: str | None, *command: str | Path) -> None:
    subprocess.run(command, check=True, user=user, stdout=subprocess.DEVNULL, env={"LC_ALL": "C", "PATH": os.environ["PATH"]})


def _when_ready(url: str) -> str:
    import psycopg

    for _ in range(300):
        try:
            psycopg.connect(url).close()
            return url
        except psycopg.OperationalError:
            time.sleep(0.1)
    raise AssertionError("PostgreSQL did not start")
