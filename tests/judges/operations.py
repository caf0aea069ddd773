"""What each operation of a program gives, element by element."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from math import isnan
from typing import Any

import numpy as np

from tilery.dsl import program
from tilery.dsl.program import Op, size_value

from . import numbers
from .memory import Memory, Stray
from .numbers import Number, as_type, rounded, wrapped
from .places import At, Elements, Standing
from .sums import Ledger, first_extreme


class Operations(Standing):
    """An execution as far as values are concerned."""

    def __init__(self, dims: Mapping[str, int], tensors: Mapping[str, Memory], scalars: Mapping[str, Any]) -> None:
        super().__init__(dims)
        self.tensors = tensors
        self.scalars = scalars
        self.exact = True
        """Nothing has been computed yet of which two executions might give different bits."""
        self.whole = True
        """No integer has been rounded yet on its way to a float, which every execution does and no reference."""

    def op(self, op: Op) -> Elements:
        """Every element of what an operation gives."""
        if isinstance(op, program.Call):
            for each in op.body:
                self.values[each.result] = self.op(each)
            return self.reordered(op.body[-1].result, op.result)
        if isinstance(op, program.Scan):
            return self.scan(op)
        if isinstance(op, program.Unwritten):
            return {}
        if isinstance(op, program.Insert):
            return self.inserted(op)
        return {self.key(op.result, at): self.computed(op, at) for at in self.ats(op.result.axes)}

    def computed(self, op: Op, at: At) -> Number:
        """One element."""
        name = op.result.element.name
        match op:
            case program.Constant(value=value):
                return as_type(value, name)
            case program.ScalarArgument(parameter=parameter):
                return as_type(self.scalar(parameter), name)
            case program.DimensionSize(size=size):
                return size_value(size, self.dims)
            case program.Positions(axis=axis):
                return at[axis.name]
            case program.Load():
                return self.load(op, at)
            case program.Cut():
                return self.cut(op, at)
            case program.Elementwise():
                return self.elementwise(op.fn, [self.element(each, at) for each in op.operands], name)
            case program.Cast(operand=operand):
                return self.cast(self.element(operand, at), name)
            case program.Fill(operand=operand):
                return as_type(self.element(operand, at), name)
            case program.Reduce():
                return self.reduce(op, at)
            case program.Dot():
                terms = ({**at, **more} for more in self.ats(op.axes))
                return self.dot([(self.element(op.left, each), self.element(op.right, each)) for each in terms], name)
        raise AssertionError(f"no meaning for {type(op).__name__}")

    def cast(self, x: Number, name: str) -> Number:
        """A number as an element of a type, noting whether that has rounded an integer."""
        found = as_type(x, name)
        self.whole &= isinstance(x, float) or not isinstance(found, float) or found == x
        return found

    def single(self, x: Number) -> float:
        """An operand of a function of floats."""
        return float(self.cast(x, "f32"))

    def scalar(self, name: str) -> Number:
        """A run-time scalar."""
        given: Any = self.scalars[name]
        number = given.item() if isinstance(given, np.generic | np.ndarray) else given
        assert isinstance(number, float | int)
        return number

    def load(self, op: program.Load, at: At) -> Number:
        """An element of a tensor, or what is read outside of it."""
        memory = self.tensors[op.tensor.name]
        place = memory.place(self.positions(op.index, at))
        if place is not None:
            return memory.numbers[place]
        if op.fill is None:
            raise Stray(f"{op.tensor.name} is read outside")
        return as_type(op.fill, op.tensor.element.name)

    def cut(self, op: program.Cut, at: At) -> Number:
        """An element of a tile, or what is read outside of it."""
        place = self.positions(op.index, at)
        inside = [position in self.covered(axis) for position, axis in zip(place, op.tile.axes, strict=True)]
        if all(inside):
            return self.values[op.tile][tuple(place)]
        if op.fill is None:
            raise Stray(f"{op.tile.name} is read outside")
        return as_type(op.fill, op.tile.element.name)

    def inserted(self, op: program.Insert) -> Elements:
        """The tile with some elements replaced, one after the other."""
        found = dict(self.values[op.tile])
        for at, number in self.each(op.value):
            place = tuple(self.positions(op.index, at))
            assert all(position in self.covered(axis) for position, axis in zip(place, op.tile.axes, strict=True))
            found[place] = number
        return found

    def elementwise(self, fn: str, given: Sequence[Number], name: str) -> Number:
        """A function of one element of each operand."""
        if fn in numbers.LOGIC:
            return numbers.LOGIC[fn](*given)
        if fn == "where":
            return self.cast(given[1] if given[0] else given[2], name)
        floats = name == "f32" or any(isinstance(each, float) for each in given)
        if not floats:
            whole = [int(each) for each in given]
            return numbers.COMPARISONS[fn](*whole) if name == "bool" else wrapped(numbers.OF_INTEGERS[fn](*whole))
        single = [self.single(each) for each in given]
        if fn in numbers.COMPARISONS:
            return numbers.COMPARISONS[fn](*single)
        value = numbers.OF_FLOATS[fn](*single)
        signed = fn == "floordiv" and single[1] == 0  # an infinity of the sign of a zero, which the language leaves open
        return self.f32(value, exact=fn in numbers.EXACT and not signed)

    def f32(self, value: float, exact: bool = True) -> float:
        """A number rounded to f32, noting whether every execution must agree on it."""
        found = rounded(value, "f32")
        self.exact &= exact and (found == value or isnan(value))
        return found

    def dot(self, pairs: Sequence[tuple[Number, Number]], name: str) -> Number:
        """A sum of products."""
        if name == "i32":
            return wrapped(sum(int(a) * int(b) for a, b in pairs))
        return self.total([float(a) * float(b) for a, b in pairs])

    def total(self, terms: Sequence[float]) -> float:
        """A sum of floats."""
        ledger = Ledger()
        for each in terms:
            ledger.add(each)
        return self.f32(ledger.value, ledger.exact)

    # --- reductions and scans -------------------------------------------------------------------------------------------

    def reduce(self, op: program.Reduce, at: At) -> Number:
        """All elements along the axes reduced to one."""
        places = list(self.ats(op.axes))
        return self.reduced(op.fn, [self.element(op.operand, {**at, **each}) for each in places], places, op)

    def reduced(self, fn: str, terms: Sequence[Number], places: Sequence[At], op: program.Reduce) -> Number:
        """Elements reduced to one; `places` says where along the reduced axes each lies."""
        floats = op.operand.element.kind == "float"
        match fn:
            case "any":
                return any(terms)
            case "all":
                return all(terms)
            case "sum":
                return self.total([float(each) for each in terms]) if floats else wrapped(sum(int(each) for each in terms))
            case "mean":
                single = [self.single(each) for each in terms]
                return self.f32(numbers.quotient(self.total(single), len(terms)), exact=False)
            case "prod":
                return self.product(terms, floats)
            case "first" | "last":
                return terms[0 if fn == "first" else -1]
            case "argmax" | "argmin":
                best = first_extreme(terms, numbers.larger if fn == "argmax" else numbers.smaller)
                return places[best][op.axes[0].name]
        extreme = (numbers.larger if fn == "max" else numbers.smaller) if floats else {"max": max, "min": min}[fn]
        found = float(terms[0]) if floats else int(terms[0])
        for each in terms[1:]:
            found = extreme(found, each)
        return found

    def product(self, terms: Sequence[Number], floats: bool) -> Number:
        """A product, of which an execution may take the factors in any order."""
        if not floats:
            return wrapped(math.prod(int(each) for each in terms))
        found = 1.0
        for each in terms:
            found = self.f32(found * float(each))
        return found

    def scan(self, op: program.Scan) -> Elements:
        """What the elements up to each one come to, within what the axis covers here."""
        found: Elements = {}
        for at in self.ats(op.result.axes):
            name = op.axis.name
            here = sorted(self.covered(op.axis), reverse=op.reverse)
            upto = here[: here.index(at[name]) + (not op.exclusive)]
            rows = [[self.element(each, {**at, name: place}) for each in op.operands[:2]] for place in upto]
            start = self.element(op.operands[2], at) if len(op.operands) == 3 else None
            found[self.key(op.result, at)] = self.scanned(op.fn, rows, start, op.result.element.name == "f32")
        return found

    def scanned(self, fn: str, rows: Sequence[Sequence[Number]], start: Number | None, floats: bool) -> Number:
        """What one element of a scan is, from the operands' elements up to it."""
        if fn == "scan":
            return self.recurred(rows, 0 if start is None else start, floats)
        terms = [each for (each,) in rows]
        if fn == "cumsum":
            return self.total([float(each) for each in terms]) if floats else wrapped(sum(int(each) for each in terms))
        if fn == "cumprod":
            return self.product(terms, floats)
        compare, ends = (numbers.larger, (-math.inf, -(2**31))) if fn == "cummax" else (numbers.smaller, (math.inf, 2**31 - 1))
        found: Number = ends[0] if floats else ends[1]
        for each in terms:
            found = compare(float(found), float(each)) if floats else (max if fn == "cummax" else min)(int(found), int(each))
        return found

    def recurred(self, rows: Sequence[Sequence[Number]], state: Number, floats: bool) -> Number:
        """h = a h + b from element to element, the product rounded and then the sum."""
        if not floats:
            for a, b in rows:
                state = wrapped(int(a) * int(state) + int(b))
            return int(state)
        state = self.single(state)
        for a, b in rows:
            state = self.f32(self.f32(self.single(a) * state) + self.single(b))
        return state
