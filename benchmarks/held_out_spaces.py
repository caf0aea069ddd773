"""Made-up kernels that no strategy was developed on; a strategy is judged by these. Parameters as in public benchmarks."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.brute import Brute, Columns, Values, brute, occupancy


def hotspot() -> Brute:
    """A stencil over time: fusing steps saves traffic and costs a growing halo, which the tile has to carry."""
    space = {
        "block_x": (8, 16, 32, 64, 128), "block_y": (1, 2, 4, 8, 16), "tile_x": (1, 2, 3, 4, 6), "tile_y": (1, 2, 3, 4, 6),
        "fused": (1, 2, 3, 4, 5, 6, 8, 10), "unroll": (1, 2, 4), "stage_power": (False, True),
    }  # fmt: skip

    def allowed(c: Columns) -> NDArray[np.bool_]:
        threads = c["block_x"] * c["block_y"]
        inner = np.minimum(c["block_x"] * c["tile_x"], c["block_y"] * c["tile_y"]) > 2 * c["fused"]
        return np.asarray((threads >= 64) & (threads <= 1024) & inner & (c["fused"] % c["unroll"] == 0))

    def time(c: Columns) -> Values:
        threads, work = c["block_x"] * c["block_y"], c["tile_x"] * c["tile_y"]
        width, height = c["block_x"] * c["tile_x"], c["block_y"] * c["tile_y"]
        useful = (1 - 2 * c["fused"] / width) * (1 - 2 * c["fused"] / height)
        registers = 20 + 3 * work + 4 * c["unroll"]
        resident = occupancy(threads, registers, 4.0 * (2 + c["stage_power"]) * width * height)
        hidden = np.minimum(1, (0.1 + resident) * (1 + 0.2 * np.sqrt(work * c["unroll"])))
        memory = 400 / c["fused"] / useful * (1.25 - 0.25 * c["stage_power"]) * np.where(c["block_x"] < 32, 1.5, 1)
        compute = 90 / useful * (1 + 0.6 / c["unroll"] + 0.3 / work) / hidden
        return np.asarray(np.where(resident == 0, np.inf, np.maximum(memory, compute) + 0.25 * memory))

    return brute("hotspot", space, allowed, time)


def bodies() -> Brute:
    """Every body against every other: unrolling against registers, and names for how the data lies."""
    space = {
        "block": (64, 96, 128, 160, 192, 256, 320, 384, 512), "outer": (1, 2, 3, 4, 6, 8), "inner": (0, 1, 2, 4, 8, 16, 32),
        "layout": ("soa", "aos", "soa4"), "memory": ("global", "shared", "constant"), "vector": (1, 2, 4),
        "sqrt": ("exact", "fast"),
    }  # fmt: skip

    def allowed(c: Columns) -> NDArray[np.bool_]:
        return np.asarray(((c["layout"] != 2) | (c["vector"] == 4)) & ((c["inner"] <= 8) | (c["memory"] == 1)))

    def time(c: Columns) -> Values:
        inner = np.maximum(c["inner"], 1)
        registers = 16 + 7 * c["outer"] * np.sqrt(inner) * (1 + 0.15 * c["vector"])
        resident = occupancy(c["block"], registers, 16.0 * (c["memory"] == 1) * c["block"])
        load = np.array([4.0, 2.5, 1.2])[c["layout"]] / np.where(c["layout"] == 0, np.sqrt(c["vector"]), 1)
        load = load * np.array([1.0, 0.35, 0.6])[c["memory"]] / c["outer"]
        step = 1 + load + 0.8 / inner + np.where(c["inner"] == 0, 0.15, 0) - 0.25 * c["sqrt"]
        tail = np.ceil(65536 / (c["block"] * c["outer"]) / 108) * 108 * c["block"] * c["outer"] / 65536
        spill = np.where(registers > 160, 1 + (registers - 160) / 100, 1)
        return np.asarray(1000 * step * tail * spill / np.minimum(1, 0.05 + 1.4 * resident * np.sqrt(c["outer"])))

    return brute("bodies", space, allowed, time)


def operator() -> Brute:
    """A scheduled tensor operator: 15 parameters of which most matter little and two have no choice, odd divisors, names."""
    space = {
        "tile_m": (2, 4, 7, 14, 28), "tile_n": (1, 2, 4, 8), "threads_m": (2, 4, 7, 8), "threads_n": (8, 16, 32),
        "depth": (3,), "align": (32,), "order": ("mnk", "nmk", "kmn"), "unroll": (0, 16), "explicit": (False, True),
        "vector": (1, 2), "double": (False, True), "cache": (False, True), "swizzle": (0, 1), "stages": (1, 2),
        "epilogue": ("fused", "split"),
    }  # fmt: skip
    keep = np.random.default_rng(5)

    def allowed(c: Columns) -> NDArray[np.bool_]:
        threads = c["threads_m"] * c["threads_n"]
        fits = (threads >= 16) & (c["tile_m"] * c["tile_n"] <= 128) & (c["tile_n"] % c["vector"] == 0)
        fits &= (c["stages"] == 1) | c["cache"].astype(bool)
        # A part of what the rules leave, as if the others had not compiled.
        return np.asarray(fits & (keep.random(len(threads)) < 1 / 6))

    def time(c: Columns) -> Values:
        threads, work = c["threads_m"] * c["threads_n"], c["tile_m"] * c["tile_n"]
        registers = 20 + 1.4 * work + 12 * c["double"] + 6 * c["stages"]
        block = c["tile_m"] * c["threads_m"] + c["tile_n"] * c["threads_n"]
        resident = occupancy(threads, registers, 64.0 * c["cache"] * c["stages"] * c["depth"] * block)
        tail = np.ceil(56 / (c["tile_m"] * c["threads_m"])) * c["tile_m"] * c["threads_m"] / 56
        reuse = 1 / (c["tile_m"] * c["threads_m"]) + 1 / (c["tile_n"] * c["threads_n"])
        memory = 900 * reuse * np.where(c["cache"], 1, 2.2) / np.where(c["depth"] > 1, 1.3, 1) / (1 + 0.15 * (c["vector"] > 1))
        compute = 100 * (1 + 2 / work) * tail / np.minimum(1, 0.08 + resident * np.sqrt(work) / 2.5)
        small = (1 + 0.06 * (c["unroll"] == 0)) * (1 + 0.04 * (c["order"] == 2) + 0.08 * (c["order"] == 1))
        small = small * (1 + 0.05 * (c["cache"] & (c["swizzle"] == 0) & (c["align"] == 32))) * (1 + 0.03 * c["epilogue"])
        small = small * (1 - 0.05 * c["explicit"] * (c["unroll"] > 0))
        overlap = np.where((c["stages"] == 2) | (c["double"] == 1), 0.15, 0.5)
        return np.asarray((np.maximum(compute, memory) + overlap * np.minimum(compute, memory)) * small)

    return brute("operator", space, allowed, time, steepness=1.2)


def distance() -> Brute:
    """A sum over pairs with its reduction: shared memory in three ways, unrolled loops, and how many blocks share a column."""
    space = {
        "block_x": (32, 64, 96, 128, 192, 256), "block_y": (1, 2, 4, 8), "tile_x": (1, 2, 3, 4, 5, 6, 7, 8),
        "tile_y": (1, 2, 3, 4, 5, 6, 7, 8), "shared": (0, 1, 2), "unroll_x": (0, 1), "unroll_y": (0, 1),
        "columns": (1, 4, 16, 64, 256),
    }  # fmt: skip

    def allowed(c: Columns) -> NDArray[np.bool_]:
        threads = c["block_x"] * c["block_y"]
        fits = (threads >= 64) & (threads <= 1024) & (c["tile_x"] * c["tile_y"] <= 24)
        return np.asarray(fits & ((c["shared"] == 0) | (c["tile_x"] % 2 == 0)) & ((c["unroll_y"] == 0) | (c["tile_y"] <= 4)))

    def time(c: Columns) -> Values:
        threads, work = c["block_x"] * c["block_y"], c["tile_x"] * c["tile_y"]
        registers = 28 + 2.5 * work * (1 + 0.3 * c["unroll_x"] + 0.2 * c["unroll_y"])
        width = c["block_x"] * c["tile_x"] + c["block_y"] * c["tile_y"]
        resident = occupancy(threads, registers, 24.0 * (c["shared"] > 0) * width)
        blocks = c["columns"] * 4000 / (c["block_x"] * c["tile_x"])
        busy = np.minimum(1, blocks / 300)
        load = np.array([2.6, 1.2, 0.9])[c["shared"]] * (0.15 + 1 / np.sqrt(work))
        step = 1 + load + 0.35 * (c["unroll_x"] == 0) / c["tile_x"] + 0.25 * (c["unroll_y"] == 0) / c["tile_y"]
        reduction = 0.02 * blocks / 10
        failed = (c["shared"] == 2) & (registers > 110)
        microseconds = 300 * step / (busy * np.minimum(1, 0.05 + resident * (0.6 + 0.15 * np.sqrt(work)))) + reduction
        return np.where(failed, np.inf, microseconds)

    return brute("distance", space, allowed, time)
