"""The collection is imported as Ansible imports it: the checkout is linked to from .collections."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[3] / ".collections"))
