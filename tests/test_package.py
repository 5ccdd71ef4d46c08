"""What somebody gets who installs the package."""

import sys
import tomllib
from importlib import import_module
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parent.parent
PACKAGE: Final = ROOT / "actor_oauth"


def test_whatever_lies_in_the_package_is_installed_with_it() -> None:
    setuptools = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"][
        "setuptools"
    ]
    patterns = setuptools["package-data"]["actor_oauth"]
    installed = {path for pattern in patterns for path in PACKAGE.glob(pattern)}
    files = {path for path in PACKAGE.rglob("*") if path.is_file()}
    assert {path for path in files if path.suffix not in (".py", ".pyc")} == installed
    assert {path.name for path in installed} >= {"py.typed", "page.css", "login.html"}
    for path in PACKAGE.rglob("*.py"):
        assert (path.parent / "__init__.py").exists(), path


def test_a_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "fastmcp.dependencies", None)
    monkeypatch.delitem(sys.modules, "actor_oauth.mcp.fastmcp", raising=False)
    with pytest.raises(ModuleNotFoundError, match=r"'actor-oauth\[fastmcp\]'"):
        import_module("actor_oauth.mcp.fastmcp")
