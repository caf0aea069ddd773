"""What one instruction does in passing, beside the operation that it is there for.

predicates   conditions on positions that a select computes itself
masks        selects by positions on an engine that has to be given the condition as a tile
early        columns that later steps wait for, before the tiles beside them
followers    casts, sums and extremes of an instruction's result
"""
