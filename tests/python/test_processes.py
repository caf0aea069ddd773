"""Kernels in other processes and threads: forked, spawned, in pools; and what goes to and fro between them."""

from __future__ import annotations

import copy
import multiprocessing
import os
import pickle
import threading
import time
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tilery
import tilery.kernels
from tilery.backends.emulator.stepping.stepwise import step_through
from tilery.backends.emulator.workers import WORKERS
from tilery.backends.lazy import lazy
from tilery.backends.numbers.fork_gates import Gates
from tilery.backends.truth.accuracy import _rms
from tilery.kernel import Kernel
from tilery.library import Library

ROWS = """
from helpers import twice

fn halved(x) = x / 2

kernel rows(x: T[M, N]) -> y: T[M, N]:
    "Doubles."
    tile m of M, n of N:
        y[m, n] = halved(twice(twice(x[m, n])))
"""
HELPERS = """
fn twice(x) = once(x) + x
fn once(x) = x

kernel plain(x: T[N]) -> y: T[N]:
    tile n of N:
        y[n] = x[n]
"""
LARGE = np.random.default_rng(0).standard_normal((1500, 1500)).astype(np.float32)
"""Large enough for several workers, where there are several processors."""
GRAM = Path(__file__).parents[1] / "kernels" / "tiles" / "gram.tk"
DEADLINE_S = 60.0
pytestmark = pytest.mark.filterwarnings("ignore:.*multi-threaded.*fork:DeprecationWarning")


@pytest.fixture
def library(tmp_path: Path) -> Library:
    (tmp_path / "helpers.tk").write_text(HELPERS)
    (tmp_path / "rows.tk").write_text(ROWS + "\n\nfrom helpers import plain\n")
    return tilery.load(tmp_path / "rows.tk")


def doubled(kernel: Kernel, x: Any = LARGE) -> bool:
    return bool(np.array_equal(np.asarray(kernel(x)), 2 * x))


def forked(work: Any) -> int:
    """The exit code of a child that does the work; -1 if it hangs."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if work() else 1)
        except BaseException:
            os._exit(2)
    end = time.monotonic() + DEADLINE_S
    while time.monotonic() < end:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.01)
    os.kill(child, 9)
    os.waitpid(child, 0)
    return -1


needs_fork = pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork here")


@needs_fork
def test_a_forked_child_calls(library: Library) -> None:
    WORKERS.submit(int).result()  # so that the parent has threads, also where there is one processor
    assert doubled(library.rows)
    assert forked(lambda: doubled(library.rows)) == 0
    assert forked(lambda: forked(lambda: doubled(library.rows)) == 0) == 0
    assert doubled(library.rows)


@needs_fork
def test_a_child_forked_in_the_middle_of_calls_calls(library: Library) -> None:
    """Locks that other threads hold at the moment of the fork are open in the child."""
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            library.rows(LARGE)

    threads = [threading.Thread(target=call) for _ in range(3)]
    for each in threads:
        each.start()
    try:
        codes = [forked(lambda: doubled(library.rows)) for _ in range(5)]
    finally:
        stop.set()
        for each in threads:
            each.join()
    assert codes == [0] * 5


@needs_fork
def test_a_child_forked_while_a_thread_holds_every_lock_calls(library: Library) -> None:
    emulation = library.rows.pipeline({"M": 1500, "N": 1500, "T": "f32"}).emulation
    with emulation._turn, WORKERS._guard:
        outcomes: list[int] = []
        thread = threading.Thread(target=lambda: outcomes.append(forked(lambda: "y" in emulation({"x": LARGE}))))
        thread.start()
        thread.join()
    assert outcomes == [0]


@needs_fork
@pytest.mark.parametrize("way", ["fast", "by steps", "numbers of a result"])
def test_a_child_forked_in_the_middle_of_products_multiplies(way: str) -> None:
    """BLAS shares a large product among threads of its own; a child that was forked meanwhile waited for them for ever."""
    kernel = tilery.load(GRAM).newton_schulz
    x = np.random.default_rng(0).standard_normal((300, 400)).astype(np.float32)
    pipeline = kernel.pipeline({"M": 300, "N": 400})

    def call() -> Any:
        if way == "fast":
            return np.asarray(kernel(x))
        if way == "by steps":
            return step_through(pipeline.program, pipeline.dims, {}, {"x": x})["y"]
        return round(_rms(np.tile(x, (4, 4)), 1e30), 9)

    want, stop = call(), threading.Event()

    def calls() -> None:
        while not stop.is_set():
            assert np.array_equal(call(), want)

    threads = [threading.Thread(target=calls) for _ in range(2)]
    for each in threads:
        each.start()
    try:
        codes = [forked(lambda: bool(np.array_equal(call(), want))) for _ in range(6)]
    finally:
        stop.set()
        for each in threads:
            each.join()
    assert codes == [0] * 6


def test_a_fork_waits_for_the_products_of_other_threads_and_for_none_of_its_own() -> None:
    gates = Gates()
    busy, own, begun, goes_on = gates.new(), gates.new(), threading.Event(), threading.Event()
    order: list[str] = []

    def product() -> None:
        with busy:
            begun.set()
            goes_on.wait()
            time.sleep(0.05)
            order.append("product")

    thread = threading.Thread(target=product)
    thread.start()
    begun.wait()
    goes_on.set()
    with own:  # a signal's handler, which may fork, can come here
        gates.close()
        order.append("fork")
        gates.open()
    thread.join()
    assert order == ["product", "fork"]
    with busy, own:
        pass


@needs_fork
def test_a_child_forked_while_a_property_is_computed_computes_it() -> None:
    begun, goes_on = threading.Event(), threading.Event()

    class Slow:
        """A property that waits in one thread."""

        @lazy
        def value(self) -> int:
            """Its value."""
            if threading.current_thread() is not threading.main_thread():
                begun.set()
                goes_on.wait()
            return 3

    slow = Slow()
    thread = threading.Thread(target=lambda: slow.value)
    thread.start()
    begun.wait()
    assert forked(lambda: slow.value == 3) == 0
    goes_on.set()
    thread.join()
    assert slow.value == 3


@pytest.mark.parametrize("method", [each for each in ("fork", "spawn") if each in multiprocessing.get_all_start_methods()])
def test_pools_of_processes(library: Library, method: str) -> None:
    assert doubled(library.rows)
    with ProcessPoolExecutor(1, multiprocessing.get_context(method)) as pool:
        assert pool.submit(doubled, library.rows).result(DEADLINE_S)
        with pytest.raises(tilery.UsageError, match="rows needs the argument `x`"):
            pool.submit(library.rows).result(DEADLINE_S)


def test_threads(library: Library) -> None:
    inputs = [np.full((size, 700), size, np.float32) for size in range(1, 1200, 97)] * 2
    with ThreadPoolExecutor(6) as pool:
        assert all(pool.map(lambda x: doubled(library.rows, x), inputs))
    assert WORKERS._limiting == 0


def test_a_copy_by_pickle_needs_no_file(library: Library, tmp_path: Path) -> None:
    sent = pickle.dumps((library, library.rows, library["plain"]))
    untouched = pickle.dumps(tilery.load(tmp_path / "rows.tk"))
    for file in tmp_path.glob("*.tk"):
        file.write_text("kernel gone(:")
    for texts in pickle.loads(sent), [pickle.loads(untouched), pickle.loads(untouched).rows]:
        assert list(texts[0]) == ["plain", "rows"]
        assert doubled(texts[0].rows) and doubled(texts[1])
    again = pickle.loads(pickle.dumps(pickle.loads(sent)[1]))
    assert again.doc == "Doubles." and again.tuned.path == library.rows.tuned.path and doubled(again)


def test_a_shipped_kernel_is_sent_unread() -> None:
    kernel = pickle.loads(pickle.dumps(Kernel(tilery.kernels.softmax.path, "softmax")))
    assert "definition" not in kernel.__dict__
    assert np.asarray(kernel(np.ones((2, 4), np.float32))).tolist() == [[0.25] * 4] * 2


def test_copies_are_the_kernel_itself(library: Library) -> None:
    for each in library, library.rows:
        assert copy.copy(each) is each and copy.deepcopy(each) is each
