"""Defers imports of libraries that other libraries import and that we hardly ever use."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType


class DeferredModule(ModuleType):
    """A module that is imported when something of it is used.

    Unlike the standard library's `LazyLoader`, it stays unused when it is imported a second time.
    """

    def __getattr__(self, name: str) -> object:
        if sys.modules.get(self.__name__) is self:
            del sys.modules[self.__name__]
        return getattr(importlib.import_module(self.__name__), name)


def defer_import(name: str) -> None:
    """Have a module be imported when it is used; nothing happens where it has been.

    Args:
        name: of a package, or of a module in a package, which then is imported itself.
    """
    if name in sys.modules:
        return
    package, _, module = name.rpartition(".")
    deferred = DeferredModule(name)
    if package:
        # an attribute is enough for `from package import module`
        setattr(importlib.import_module(package), module, deferred)
    else:
        sys.modules[name] = deferred
