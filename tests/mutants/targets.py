"""The files that hold numbers, and the tests that hold them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Target:
    """A file under mutation."""

    path: str
    tests: tuple[str, ...]

    @property
    def module(self) -> str:
        """Its name as it is imported."""
        return "tilery." + self.path.removesuffix(".py").replace("/", ".")


COSTS = "tests/numbers/test_costs.py"
TRUTH = "tests/numbers/test_truth.py"
TRAFFIC = "tests/numbers/test_traffic.py"
TRANSFERS = "tests/numbers/test_transfers.py"
BOUNDS = "tests/numbers/test_bounds.py"
WATERFALL = "tests/numbers/test_waterfall.py"
SPLITS = "tests/machine/test_splits.py"
DEALING = "tests/numbers/test_dealing.py"
REPETITIONS = "tests/numbers/test_repetitions.py"
MEMORY = "tests/numbers/test_memory.py"
OPERATIONS = ("tests/emulator/test_operations.py", "tests/emulator/test_functions.py")
TARGETS: dict[str, Target] = {
    "cost": Target("backends/trainium/cost.py", (COSTS, TRAFFIC, TRUTH)),
    "transfers": Target("backends/trainium/transfers.py", (COSTS, TRAFFIC, TRANSFERS)),
    "traffic": Target("backends/trainium/traffic.py", (TRAFFIC,)),
    "splits": Target("backends/machine/splits.py", (REPETITIONS,)),
    "repetitions": Target("backends/trainium/repetitions.py", (REPETITIONS,)),
    "dealing": Target("backends/machine/time/dealing.py", (DEALING,)),
    "guards": Target("backends/machine/time/guards.py", (DEALING,)),
    "sizes": Target("backends/trainium/buffer_sizes.py", (MEMORY,)),
    "capacity": Target("backends/machine/capacity.py", (MEMORY,)),
    "footprint": Target("backends/machine/choosing/footprint.py", (MEMORY,)),
    "arithmetic": Target("backends/operations/arithmetic.py", OPERATIONS),
    "curves": Target("backends/operations/curves.py", OPERATIONS),
    "exponentials": Target("backends/operations/exponentials.py", OPERATIONS),
    "powers": Target("backends/operations/powers.py", OPERATIONS),
    "bounds": Target("backends/machine/time/bounds.py", (BOUNDS,)),
    "waterfall": Target("backends/machine/explain/waterfall.py", (WATERFALL,)),
}
