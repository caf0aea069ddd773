"""Arithmetic on sizes, as sums of products of dimensions: two ways to write one size are one, and bounds can be proven.

(H - 1) // 2 + 1  is  {(H//2-atom,): 1, (): 1}      G * R and R * G are the same      N - 1 < N for every N
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from fractions import Fraction
from itertools import product

from .program import Size, SizeOp

Monomial = tuple[str | SizeOp, ...]
"""Factors in order of their text: names of dimensions, and whole quotients that do not divide out."""
Polynomial = Mapping[Monomial, int]

MOST_TERMS = 32
"""Products that come to more monomials are not worked out."""
LARGEST = 2**31


class Unwieldy(ArithmeticError):
    """Sizes that are not worked out: too many terms, numbers too large, or a division by zero."""


def plus(a: Size, b: Size) -> Size:
    """`a + b` in canonical form."""
    if isinstance(a, int) and isinstance(b, int):
        return a + b
    return _size(_sum(_polynomial(a), _polynomial(b)))


def minus(a: Size, b: Size) -> Size:
    """`a - b` in canonical form."""
    return plus(a, times(-1, b))


def times(a: Size, b: Size) -> Size:
    """`a * b` in canonical form; raises Unwieldy where it becomes too large."""
    if isinstance(a, int) and isinstance(b, int):
        return a * b
    return _size(_product(_polynomial(a), _polynomial(b)))


def over(a: Size, b: Size) -> Size:
    """`a // b` in canonical form; raises Unwieldy for a division by zero."""
    if b == 0:
        raise Unwieldy
    if isinstance(a, int) and isinstance(b, int):
        return a // b
    if isinstance(b, int) and all(count % b == 0 for count in _polynomial(a).values()):
        return _size({each: count // b for each, count in _polynomial(a).items()})
    return SizeOp("//", a, b)


def rest(a: Size, b: Size) -> Size:
    """`a % b`, with the sign of `b`; raises Unwieldy for a division by zero."""
    return minus(a, times(over(a, b), b))


def parted(a: Size, b: Size) -> tuple[Size, Size]:
    """`a` as `first * b + second`: the terms that `b` divides make the first."""
    divisor = _polynomial(b)
    if len(divisor) != 1 or not all(divisor.values()):
        return 0, a
    ((factors, count),) = divisor.items()
    whole: dict[Monomial, int] = {}
    for monomial, number in _polynomial(a).items():
        left = list(monomial)
        for each in factors:
            if each not in left:
                break
            left.remove(each)
        else:
            if number % count == 0:
                whole[tuple(left)] = number // count
    multiple = _size(whole) if whole else 0
    return multiple, minus(a, times(multiple, b))


ARITHMETIC = {"+": plus, "-": minus, "*": times, "//": over, "%": rest}
"""What each operator makes of two sizes."""


def names_in(size: Size) -> Iterator[str]:
    """The names in a size, as often as they stand there."""
    match size:
        case str():
            yield size
        case SizeOp(_, left, right):
            yield from names_in(left)
            yield from names_in(right)


def never_negative(size: Size) -> bool:
    """Whether `size` is proven to be 0 or more for all dimensions of at least one element. False proves nothing."""
    if isinstance(size, int):
        return size >= 0
    try:
        least = _without_quotients({each: Fraction(count) for each, count in _polynomial(size).items()})
        # With N = 1 + N', N' >= 0, nothing but positive coefficients is left of what is never negative.
        return least is not None and all(count >= 0 for count in _shifted(least).values())
    except Unwieldy:
        return False


def positive(size: Size) -> bool:
    """Whether `size` is proven to be 1 or more."""
    return never_negative(minus(size, 1))


# --- polynomials ------------------------------------------------------------------------------------------------------


def _polynomial(size: Size) -> Polynomial:
    match size:
        case int():
            return {(): size}
        case str():
            return {(size,): 1}
        case SizeOp("//", _, _):
            return {(size,): 1}
        case SizeOp("+", left, right):
            return _sum(_polynomial(left), _polynomial(right))
        case SizeOp("-", left, right):
            return _sum(_polynomial(left), {each: -count for each, count in _polynomial(right).items()})
        case _:
            return _product(_polynomial(size.left), _polynomial(size.right))


def _sum(a: Polynomial, b: Polynomial) -> Polynomial:
    total = Counter(a)
    for each, count in b.items():
        total[each] += count
    return total


def _product(a: Polynomial, b: Polynomial) -> Polynomial:
    total: Counter[Monomial] = Counter()
    for (left, p), (right, q) in product(a.items(), b.items()):
        total[tuple(sorted((*left, *right), key=str))] += p * q
    return total


def _size(polynomial: Polynomial) -> Size:
    """Positive terms first, the constant last: `2 * N - M - 1`."""
    terms = [(each, count) for each, count in polynomial.items() if count]
    if len(terms) > MOST_TERMS or any(abs(count) >= LARGEST or len(each) > MOST_TERMS for each, count in terms):
        raise Unwieldy
    terms.sort(key=lambda term: (not term[0], term[1] < 0, -len(term[0]), str(term[0])))
    if not terms:
        return 0
    first, *rest = terms
    size = _term(*first)
    for each, count in rest:
        size = SizeOp("+", size, _term(each, count)) if count > 0 else SizeOp("-", size, _term(each, -count))
    return size


def _term(monomial: Monomial, count: int) -> Size:
    if not monomial:
        return count
    size: Size = monomial[0] if count == 1 else SizeOp("*", count, monomial[0])
    for each in monomial[1:]:
        size = SizeOp("*", size, each)
    return size


# --- bounds -----------------------------------------------------------------------------------------------------------

_Rational = Mapping[Monomial, Fraction]


def _without_quotients(polynomial: _Rational) -> _Rational | None:
    """Something no larger, without `//`: (a - k + 1) / k <= a // k <= a / k. None where there is none to be had."""
    total: dict[Monomial, Fraction] = {}
    again = False
    for monomial, count in polynomial.items():
        quotients = [each for each in monomial if isinstance(each, SizeOp)]
        bounded = _bounded(monomial, quotients[0], count) if quotients else {monomial: count}
        if bounded is None:
            return None
        again = again or any(isinstance(each, SizeOp) for part in bounded for each in part)
        for each, part in bounded.items():
            total[each] = total.get(each, Fraction(0)) + part
    return _without_quotients(total) if again else total


def _bounded(monomial: Monomial, quotient: SizeOp, count: Fraction) -> _Rational | None:
    if len(monomial) > 1 or not isinstance(quotient.right, int) or quotient.right < 1:
        return None
    divisor = quotient.right
    dividend = quotient.left if count < 0 else minus(quotient.left, divisor - 1)
    return {each: count * part / divisor for each, part in _polynomial(dividend).items()}


def _shifted(polynomial: _Rational) -> _Rational:
    """The polynomial in N' with N = 1 + N'."""
    total: dict[Monomial, Fraction] = {}
    for monomial, count in polynomial.items():
        if len(monomial) > 6:
            raise Unwieldy
        for chosen in product((True, False), repeat=len(monomial)):
            kept = tuple(each for each, keep in zip(monomial, chosen, strict=True) if keep)
            total[kept] = total.get(kept, Fraction(0)) + count
    return total
