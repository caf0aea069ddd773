"""Transfers that cover several tiles of a loop at once: the width of a load or a store apart from the tile's.

offered     which loads and stores may be wide, and the knob of each
wide_steps  the loop around the tiles that they cover
moving      the transfers themselves
"""
