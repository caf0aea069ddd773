"""What one instruction does in passing, beside the operation that it is there for.

predicates   conditions on positions that a select computes itself
followers    casts, sums and extremes of an instruction's result
"""
