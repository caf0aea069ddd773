"""What this package needs of Optuna and Optuna does not export: a new version is held against this file alone.

The heartbeat of storages, which workers beat by hand here because they measure outside of Optuna's own loop; and the lock of a
journal file, under which half a line is removed.
"""

from __future__ import annotations

from optuna.storages._heartbeat import BaseHeartbeat, is_heartbeat_enabled
from optuna.storages.journal._file import get_lock_file

__all__ = ["BaseHeartbeat", "get_lock_file", "is_heartbeat_enabled"]
