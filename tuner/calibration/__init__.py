"""A chip's constants from a person's own measurements, no more of them than the data supports."""

from .calibration import Calibration, Moved
from .calibration_options import CalibrationOptions, MeasurementsError
from .movable import calibrate
from .problem import Measurement, Problem

__all__ = ["Calibration", "CalibrationOptions", "Measurement", "MeasurementsError", "Moved", "Problem", "calibrate"]
