"""The result of a comparison with a reference: a verdict, the worst element, and how much could be compared.

A comparison can be *unproven*: if the reference itself is NaN, infinite, or so ill-conditioned that rounding explains any value,
then agreement proves nothing. The results are neither right nor wrong, and other data should be drawn.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import isinf
from typing import Literal

from tilery.dsl import program

Verdict = Literal["right", "wrong", "unproven"]

MOST_NAN = 0.1
"""The largest share of a result that may be NaN, or without a bound, in a comparison that proves something."""
MOST_INFINITE = 0.9
"""The largest share that may be infinite: masks of -inf are results like others, as long as something finite is left."""


@dataclass(frozen=True, slots=True)
class Extent:
    """How much of a result there was to compare, in shares of its elements, 0 to 1."""

    nan: float = 0.0
    """NaN on both sides."""
    infinite: float = 0.0
    """Infinities that agree."""
    unbounded: float = 0.0
    """Numbers that rounding alone may turn into any other, by the error analysis."""

    @property
    def empty(self) -> bool:
        """Whether too little is left for a verdict."""
        return self.nan + self.unbounded > MOST_NAN or self.nan + self.infinite + self.unbounded > MOST_INFINITE

    def __str__(self) -> str:
        parts = [
            f"{100 * share:.0f} % {words}"
            for share, words in (
                (self.nan, "NaN"),
                (self.infinite, "infinite"),
                (self.unbounded, "of no bound, for rounding alone may make it anything"),
            )
            if share >= 0.005
        ]
        return " and ".join(parts)


@dataclass(frozen=True, slots=True)
class Comparison:
    """The result of comparing a kernel's results with its reference."""

    max_error: float
    """The error of the worst element, relative to the scale of its result; inf where only one side is NaN or infinite.

    The worst is the one of largest error; if there are errors over the tolerance, of those."""
    tolerance: float
    """The error that the kernel's arithmetic explains at the worst element."""
    verdict: Verdict
    """`wrong` if any result has an element over its tolerance; `unproven` if too little of a result could be compared."""
    worst_result: str = ""
    """The result with the worst element, measured against its tolerance; empty if nothing was compared."""
    worst_index: tuple[int, ...] = ()
    """Where that element is."""
    worst_got: float = 0.0
    worst_want: float = 0.0
    rounding_error: float = 0.0
    """The part of the worst element's error that comes from rounding the reference to the result's type. No kernel avoids it."""
    worst_type: str = ""
    """The element type of the worst result."""
    extent: Extent = Extent()
    """How much of the worst result was compared."""

    @property
    def ok(self) -> bool:
        """True if every result is within its tolerance, and that proves something."""
        return self.verdict == "right"

    def __str__(self) -> str:
        if self.verdict == "unproven":
            return f"{self.worst_result} is {self.extent}, in the reference too, so that agreeing with it proves nothing"
        if not self.worst_result:
            return "there are no elements to compare"
        place = f"{self.worst_result}[{', '.join(map(str, self.worst_index))}]"
        if isinf(self.max_error) and self.worst_index:
            return f"{place} is {self.worst_got:g}, where the reference has {self.worst_want:g}"
        text = f"largest error {error_words(self.max_error, self.tolerance, self.rounding_error, self.worst_type, self.ok)}"
        return f"{text}; worst at {place}: got {self.worst_got:g}, want {self.worst_want:g}"


def error_words(error: float, tolerance: float, rounding: float, kind: str, within: bool = True) -> str:
    """`3.84e-03, of which 3.80e-03 is the rounding to bf16 that no kernel can avoid; allowed are 3.91e-03`.

    The share of the rounding is told where it is more than a tenth: else a right result looks like a near miss.
    """
    verb = "within" if within else "over"
    if not within or rounding <= error / 10:
        return f"{error:.2e}, {verb} the tolerance of {tolerance:.2e}"
    whole = rounding >= error * 0.995
    part = f"all of it the rounding to {kind}" if whole else f"of which {rounding:.2e} is the rounding to {kind}"
    return f"{error:.2e}, {part} that no kernel can avoid; within the tolerance of {tolerance:.2e}"


def other_data(signature: program.Signature) -> str:
    """What to do about a comparison that proves nothing: two ways to other data, in the kernel's own names."""
    floats = [each.name for each in signature.tensors if each.element.kind == "float"]
    names = floats or [each.name for each in signature.tensors]
    example = f", as `{names[0]}: ... in 0..1`" if names else ""
    return f"give the arguments a range in the signature{example}, or data of your own with --data FILE.npz"
