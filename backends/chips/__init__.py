"""Chips: TOML files, one a chip, validated field by field; a user's own file works the same way."""

from .change import changed
from .chip import Chip, Dma, Elementwise, Energy, Hbm, Power, Price, Psum, Sbuf, TensorUnit
from .load import chip_names, load_chip
from .validate import ChipError

__all__ = [
    "Chip",
    "ChipError",
    "Dma",
    "Elementwise",
    "Energy",
    "Hbm",
    "Power",
    "Price",
    "Psum",
    "Sbuf",
    "TensorUnit",
    "changed",
    "chip_names",
    "load_chip",
]
