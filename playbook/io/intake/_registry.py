"""Every format the kit can read: a module of this folder that has `FORMATS` adds its own by being there."""

from __future__ import annotations

import importlib
import pkgutil

from playbook.io.intake._format import Format


def _found() -> dict[str, Format]:
    folder = __name__.rpartition(".")[0]
    package = importlib.import_module(folder)
    names = sorted(item.name for item in pkgutil.iter_modules(package.__path__) if not item.name.startswith("_"))
    formats: dict[str, Format] = {}
    for name in names:
        for kind in getattr(importlib.import_module(f"{folder}.{name}"), "FORMATS", ()):
            if kind.name in formats:
                raise ImportError(f"{folder}.{name}: the format {kind.name} is already there")
            formats[kind.name] = kind
    return formats


FORMATS: dict[str, Format] = _found()
