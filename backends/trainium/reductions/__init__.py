"""Reductions across the partitions, where no layout avoids them.

ones         tiles of ones, with which the tensor engine adds up what lies across the partitions
partitions   sums by a product with ones; anything else by turning the tile twice
"""
