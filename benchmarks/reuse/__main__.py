"""Simulates every case, and writes figures and plots; see the package."""

import sys

from benchmarks.reuse.report import main

sys.exit(main())
