"""Chips: TOML files, one a chip, validated field by field; a user's own file works the same way."""

from .change import changed
from .chip import Chip, Energy, Hbm, Power, Price, tables
from .load import chip_names, chip_text, load_chip
from .validate import ChipError

__all__ = ["Chip", "ChipError", "Energy", "Hbm", "Power", "Price", "changed", "chip_names", "chip_text", "load_chip", "tables"]
