"""The files that hold numbers, the tests that hold them, and the mutants that no test can find."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Target:
    """A file under mutation."""

    path: str
    tests: tuple[str, ...]
    equal: dict[tuple[str, str], str] = field(default_factory=dict)
    """Mutants that change nothing that anybody could see, by their line and change, each with the reason."""

    @property
    def module(self) -> str:
        """Its name as it is imported."""
        return "tilery." + self.path.removesuffix(".py").replace("/", ".")


COSTS = "tests/numbers/test_costs.py"
TRUTH = "tests/numbers/test_truth.py"
TRAFFIC = "tests/numbers/test_traffic.py"
BOUNDS = "tests/numbers/test_bounds.py"
WATERFALL = "tests/numbers/test_waterfall.py"
SPLITS = "tests/machine/test_splits.py"
OPERATIONS = "tests/emulator/test_operations.py"
TARGETS: dict[str, Target] = {
    "cost": Target("backends/trainium/cost.py", (COSTS, TRAFFIC, TRUTH)),
    "traffic": Target(
        "backends/trainium/traffic.py",
        (TRAFFIC,),
        {("largest: Number = 0", "0 -> 1"): "whatever an instruction reads or writes has an element"},
    ),
    "splits": Target("backends/machine/splits.py", (COSTS, TRAFFIC, SPLITS)),
    "arithmetic": Target("backends/operations/arithmetic.py", (OPERATIONS,)),
    "curves": Target("backends/operations/curves.py", (OPERATIONS,)),
    "exponentials": Target("backends/operations/exponentials.py", (OPERATIONS,)),
    "powers": Target("backends/operations/powers.py", (OPERATIONS,)),
    "bounds": Target("backends/machine/time/bounds.py", (BOUNDS,)),
    "waterfall": Target(
        "backends/machine/explain/waterfall.py",
        (WATERFALL,),
        {
            ("ENOUGH = 64", "64 -> 65"): "either is more than any program waits for",
            (
                "return prod(float(extents[name]) / float(full[name]) for name in axes if float(full[name]))",
                " for name in axes if float(full[name]) -> without its condition",
            ): "a tile that is executed has positions along every axis",
        },
    ),
}
