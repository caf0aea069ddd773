"""A latency measured by a command of the user's: the configuration on its standard input, microseconds on its standard output."""

from __future__ import annotations

import json
import math
import os
import shlex
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

from tilery.backends.tunable import Choice, Config
from tilery.dsl.errors import UsageError
from tilery.dsl.looking import is_file

from .guarding import guarded

TAKEN = 'a number of microseconds or {"latency_us": NUMBER} is expected as the last line of its standard output'
END_S = 0.5
"""How long a command that has to end is waited for before it is killed."""
TAIL = 65_536
"""Bytes at the end of its output in which the last line is looked for."""

Describe = Callable[[Config, Path], Mapping[str, object]]
"""From a configuration and an empty folder to what the command reads; files that it names are put into the folder."""


class MeasurementFailed(Exception):
    """A configuration that gave no latency; the message is the reason, short and alike for alike failures."""


@dataclass
class Command:
    """Runs a command once for each configuration.

    It reads one JSON object on its standard input, and is to print, as its last line, the latency in microseconds: a number,
    or a JSON object with `latency_us`; an object with `error` says why there is none. It runs in a process group of its own,
    which is ended with it, and with this process: whatever it leaves running would disturb the next measurement.
    """

    text: str
    """As a shell would read it, but run without one; `sh -c '...'` gives pipes and variables."""
    describe: Describe
    timeout_s: float | None = None
    words: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.words = _words(self.text)

    def __call__(self, config: Mapping[str, Choice]) -> float:
        """The measured latency in microseconds; raises `MeasurementFailed`."""
        with tempfile.TemporaryDirectory(prefix="tilery-", ignore_cleanup_errors=True) as folder:
            files = Path(folder, "files")
            files.mkdir()
            given = Path(folder, "given.json")
            given.write_text(json.dumps(self.describe(config, files)), encoding="utf-8")
            # Files, not pipes: a pipe that something in the background keeps open would never end.
            with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
                code = self._run(given, out, err)
                return _latency_us(code, _last_line(out), _last_line(err))

    def _run(self, given: Path, out: IO[bytes], err: IO[bytes]) -> int:
        with guarded(self.words, given, out, err) as process:
            try:
                return process.wait(self.timeout_s)
            except subprocess.TimeoutExpired:
                raise MeasurementFailed(f"no answer within {self.timeout_s:g} s") from None
            finally:
                _end(process)


def _words(text: str) -> list[str]:
    try:
        words = shlex.split(text)
    except ValueError as error:
        raise UsageError(f"--measure {text}: {error}") from None
    if not words:
        raise UsageError("--measure needs a command, for example --measure ./bench.sh")
    if shutil.which(words[0]) is None:
        there = Path(words[0])
        why = "it is not executable; chmod +x makes it so" if is_file(there) else "there is no such command"
        raise UsageError(f"--measure: cannot run `{words[0]}`: {why}")
    return words


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ends the whole process group: asks first where the command itself still runs, then kills what is left."""
    with suppress(ProcessLookupError, PermissionError):
        if process.poll() is None:
            os.killpg(process.pid, signal.SIGTERM)
            with suppress(subprocess.TimeoutExpired):
                process.wait(END_S)
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


def _last_line(file: IO[bytes]) -> str:
    """The last line that is not empty."""
    end = file.seek(0, os.SEEK_END)
    file.seek(max(0, end - TAIL))
    lines = file.read().decode(errors="replace").strip().splitlines()
    return lines[-1].strip() if lines else ""


def _latency_us(code: int, line: str, complaint: str) -> float:
    if code < 0:
        raise MeasurementFailed(f"killed by {_signal_name(-code)}")
    if code:
        raise MeasurementFailed(f"exit code {code}" + (f": {_short(complaint)}" if complaint else ""))
    if not line:
        raise MeasurementFailed(f"printed nothing; {TAKEN}")
    try:
        found = json.loads(line)
    except ValueError:
        raise MeasurementFailed(f"printed `{_short(line)}`; {TAKEN}") from None
    if isinstance(found, dict) and "error" in found:
        raise MeasurementFailed(_short(str(found["error"])))
    number = found.get("latency_us") if isinstance(found, dict) else found
    if isinstance(number, bool) or not isinstance(number, int | float) or not 0 < number < math.inf:
        raise MeasurementFailed(f"printed `{_short(line)}`; {TAKEN}, above 0")
    return float(number)


def _signal_name(number: int) -> str:
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def _short(text: str) -> str:
    return text if len(text) <= 120 else text[:117] + "..."
