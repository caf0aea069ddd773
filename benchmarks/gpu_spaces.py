"""Made-up GPU kernels with interactions, cliffs and plateaus, to develop a search on; parameters as in public benchmarks.

The formulas are ours: occupancy as a staircase, reuse against registers, halos, tails, bank conflicts, spilling.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from benchmarks.brute import Brute, Columns, Values, brute, occupancy


def gemm() -> Brute:
    """Two-level tiling with vectors and optional staging of either operand; the rules are those of a well-known library."""
    space = {
        "mwg": (16, 32, 64, 128), "nwg": (16, 32, 64, 128), "kwg": (32,),
        "mdimc": (8, 16, 32), "ndimc": (8, 16, 32), "mdima": (8, 16, 32), "ndimb": (8, 16, 32),
        "vwm": (1, 2, 4, 8), "vwn": (1, 2, 4, 8), "sa": (0, 1), "sb": (0, 1),
    }  # fmt: skip

    def allowed(c: Columns) -> NDArray[np.bool_]:
        threads = c["mdimc"] * c["ndimc"]
        fits = (c["mwg"] % (c["mdimc"] * c["vwm"]) == 0) & (c["nwg"] % (c["ndimc"] * c["vwn"]) == 0)
        fits &= (c["mwg"] % (c["mdima"] * c["vwm"]) == 0) & (c["nwg"] % (c["ndimb"] * c["vwn"]) == 0)
        fits &= (c["kwg"] % np.maximum(threads // c["mdima"], 1) == 0) & (c["kwg"] % np.maximum(threads // c["ndimb"], 1) == 0)
        return np.asarray(fits)

    def time(c: Columns) -> Values:
        threads = c["mdimc"] * c["ndimc"]
        work = (c["mwg"] // c["mdimc"]) * (c["nwg"] // c["ndimc"])
        registers = 24 + 1.3 * work + 2 * c["vwm"] + 2 * c["vwn"] + 6 * (c["kwg"] == 32)
        shared = 4.0 * c["kwg"] * (c["sa"] * c["mwg"] + c["sb"] * c["nwg"])
        resident = occupancy(threads, registers, shared)
        hidden = np.minimum(1, (resident * 2048 / 32 * np.sqrt(work)) / 60)
        compute = 900 * (1 + 2.5 / work + 3 / c["kwg"]) / np.maximum(hidden, 0.05) * np.where(registers > 128, 1.6, 1)
        reuse_a, reuse_b = np.where(c["sa"], c["nwg"], 8 + c["nwg"] / 6), np.where(c["sb"], c["mwg"], 8 + c["mwg"] / 6)
        coalesced_a = np.where(c["vwm"] * c["mdima"] >= 32, 1, 1.7) * np.where(c["vwm"] == 8, 1.25, 1)
        coalesced_b = np.where(c["vwn"] * c["ndimb"] >= 32, 1, 1.7) * np.where(c["vwn"] == 8, 1.25, 1)
        memory = 30000 * (coalesced_a / reuse_a + coalesced_b / reuse_b)
        conflicts = 1 + 0.25 * c["sa"] * (c["vwm"] == 1) + 0.2 * c["sb"] * (c["mdimc"] == 8)
        return np.asarray((np.maximum(compute, memory) + 0.3 * np.minimum(compute, memory)) * conflicts)

    return brute("gemm", space, allowed, time)


def convolution() -> Brute:
    """A stencil of blocks and tiles, with padding against bank conflicts and a read-only path; some launches fail."""
    space = {
        "block_x": tuple(range(16, 257, 16)), "block_y": (1, 2, 4, 8, 16), "tile_x": (1, 2, 3, 4), "tile_y": (1, 2, 3, 4),
        "read_only": (0, 1), "padding": (0, 1), "shared": (0, 1), "filter": (15,),
    }  # fmt: skip

    def allowed(c: Columns) -> NDArray[np.bool_]:
        threads = c["block_x"] * c["block_y"]
        staged = (c["block_x"] * c["tile_x"] + 14) * (c["block_y"] * c["tile_y"] + 14)
        padded = (c["block_x"] % 32 != 0) & (c["shared"] == 1)
        return np.asarray((threads <= 1024) & ((c["shared"] == 0) | (staged < 12288)) & ((c["padding"] == 0) | padded))

    def time(c: Columns) -> Values:
        threads, work = c["block_x"] * c["block_y"], c["tile_x"] * c["tile_y"]
        width, height = c["block_x"] * c["tile_x"], c["block_y"] * c["tile_y"]
        registers = 22 + 5 * work + 3 * c["tile_x"]
        resident = occupancy(threads, registers, 4.0 * c["shared"] * (width + 14) * (height + 14))
        halo = (width + 16) * (height + 16) / (width * height)
        tail = np.ceil(4096 / width) * width / 4096 * np.ceil(4096 / height) * height / 4096
        conflicts = np.where(c["shared"] & (c["padding"] == 0) & (c["block_x"] % 32 != 0), 1.5, 1)
        conflicts = conflicts * np.where(c["shared"], 1, 1.25 - 0.1 * c["read_only"])
        hidden = np.minimum(1, resident * (1 + 0.35 * np.sqrt(work)) / 0.9)
        compute = 700 * conflicts * (1 + 0.5 / c["tile_x"] + 0.4 / c["tile_y"]) / np.maximum(hidden, 0.04)
        memory = 420 * halo * np.where(c["read_only"] & (c["tile_x"] % 2 == 0), 0.8, 1) * np.where(c["block_x"] < 32, 1.6, 1)
        spill = np.where(registers > 96, 1 + (registers - 96) / 60, 1)
        return np.where((registers > 100) & (threads > 640), np.inf, (np.maximum(compute, memory) + 0.2 * memory) * tail * spill)

    return brute("convolution", space, allowed, time)


def dedispersion() -> Brute:
    """Bound by memory: long plateaus, an optimum in a corner, strides and unrolling that matter only there."""
    space = {
        "block_x": (1, 2, 4, 8, 16, 32), "block_y": tuple(range(32, 257, 8)), "block_z": (1,),
        "tile_x": (1, 2, 3, 4), "tile_y": (1, 2, 3, 4, 5, 6, 7, 8), "stride_x": (0, 1), "stride_y": (0, 1), "unroll": (0,),
    }  # fmt: skip

    def allowed(c: Columns) -> NDArray[np.bool_]:
        threads = c["block_x"] * c["block_y"]
        fits = (threads >= 32) & (threads <= 1024) & ((c["tile_x"] > 1) | (c["stride_x"] == 0))
        return np.asarray(fits & ((c["tile_y"] > 1) | (c["stride_y"] == 0)) & (c["tile_x"] * c["tile_y"] <= 36))

    def time(c: Columns) -> Values:
        threads, work = c["block_x"] * c["block_y"], c["tile_x"] * c["tile_y"]
        registers = 16 + 2.2 * work * (1 + 0.2 * c["unroll"])
        resident = occupancy(threads, registers, 0.0 * threads)
        coalesced = 1 + 3 / np.minimum(c["block_x"], 32) + 0.4 * ((c["stride_x"] == 0) & (c["tile_x"] > 1))
        cached = 1 + 8 / (c["block_y"] * c["tile_y"]) * np.where(c["stride_y"], 0.8, 1)
        hidden = np.minimum(1, 0.25 + resident + 0.08 * c["unroll"])
        overhead = 1 + 0.25 / np.maximum(1, c["unroll"]) / work + 0.3 * (c["unroll"] == 0)
        spill = np.where(registers > 150, 2.2, 1)
        return np.asarray(1500 * np.maximum(1.35, coalesced * cached / hidden) * overhead * spill)

    return brute("dedispersion", space, allowed, time)


def polygon() -> Brute:
    """Few parameters, large domains: the tile trades work per thread for registers, and methods change the rules."""
    space = {
        "block": tuple(range(32, 1025, 32)), "tile": (1, *range(2, 21, 2)),
        "between": (0, 1, 2, 3), "method": (0, 1, 2), "precomputed": (0, 1),
    }  # fmt: skip

    def time(c: Columns) -> Values:
        registers = 14 + np.array([3.0, 4.0, 2.4, 3.6])[c["between"]] * c["tile"] + 8 * c["precomputed"]
        resident = occupancy(c["block"], registers, 0.0 * c["block"])
        hidden = np.minimum(1, resident * (1 + 0.4 * c["tile"]) / 1.8)
        step = np.array([1.0, 0.85, 1.3, 0.95])[c["between"]] * np.array([1.0, 1.15, 0.9])[c["method"]]
        step = step * np.where((c["method"] == 2) & (c["between"] == 1), 1.3, 1) + 0.9 / c["tile"] * np.where(
            c["precomputed"], 0.5, 1
        )
        points = c["block"] * c["tile"]
        waves = np.ceil(2_000_000 / points / 80) * 80 * points / 2_000_000
        return np.asarray(800 * step * waves / np.maximum(hidden, 0.08) * np.where(registers > 64, 1.2, 1))

    return brute("polygon", space, lambda c: c["block"] > 0, time)
