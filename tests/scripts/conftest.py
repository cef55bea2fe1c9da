"""The scripts of evaluation/ and data/ are no package: tests import them by name from their folders."""

import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
sys.path += [str(ROOT / "evaluation"), str(ROOT / "data")]
