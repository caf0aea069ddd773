"""What one instruction does in passing, beside the operation that it is there for.

predicates   conditions on positions that a select computes itself
masks        selects by positions on an engine that has to be given the condition as a tile
followers    casts, sums and extremes of an instruction's result
"""
