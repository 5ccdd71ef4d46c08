"""Under which conditions a run was made: without them no figure means anything."""

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

from actor_oauth.runtime import SystemClock


def conditions(measured: str) -> dict[str, str]:
    """Say what machine this is, and what runs on it.

    Args:
        measured: The server.
    """
    now = datetime.fromtimestamp(SystemClock().now(), UTC)
    load = os.getloadavg()
    return {
        "measured": measured,
        "when": now.strftime("%Y-%m-%d %H:%M UTC"),
        "machine": f"{os.cpu_count()} cores, {_processor()}",
        "load of the machine before": f"{load[0]:.1f} (1 min), {load[1]:.1f} (5 min)",
        "system": f"{platform.system()} {platform.release()}",
        "Python": platform.python_version(),
        "SQLite": sqlite3.sqlite_version,
        "actor-oauth": version("actor-oauth"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if "model name" in line]
    return names[0] if names else platform.machine()
