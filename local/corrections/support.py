"""How a correction changes MiniStack.

A function is corrected in place: its code object is replaced, and the function object stays. So the correction
applies to every reference, including imports by name and dispatch tables.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import import_module, metadata
from pkgutil import iter_modules
from types import FunctionType, ModuleType
from typing import Any

PINNED = "1.5.33"
"""The supported version of MiniStack."""


class DoesNotFit(Exception):
    """The installed MiniStack differs from what the corrections expect; the message contains the difference."""


def check_version() -> None:
    installed = metadata.version("ministack")
    if installed != PINNED:
        raise DoesNotFit(f"MiniStack {PINNED} is needed, {installed} is installed")


def apply_all(package: ModuleType) -> None:
    """Applies every correction module of the package, in alphabetical order."""
    for module in iter_modules(package.__path__):
        name = f"{package.__name__}.{module.name}"
        if name == __name__:
            continue
        try:
            import_module(name).apply()
        except Exception as error:
            raise DoesNotFit(f"{name} does not fit MiniStack {PINNED}: {error!r}") from error


def wrap_function(module: ModuleType, name: str, wrapper: Callable[..., Any]) -> None:
    """Calls `wrapper(original, *arguments)` for each call `original(*arguments)`. A name with a dot is a method:
    `Worker.invoke`."""
    function = _function(module, name)
    original = _copy(function)
    hook = f"_corrected_{name.replace('.', '_')}"
    while hook in module.__dict__:
        hook += "_again"
    module.__dict__[hook] = lambda *args, **kwargs: wrapper(original, *args, **kwargs)
    if function not in _innermost:
        _innermost[function] = original
        _sources[original] = _source(function)
    define, call = ("async def", "await ") if inspect.iscoroutinefunction(function) else ("def", "")
    source = f"{define} {function.__name__}(*args, **kwargs):\n    return {call}{hook}(*args, **kwargs)"
    _exchange(function, _compile(source, module, name))


def replace_text(module: ModuleType, name: str, old: str, new: str) -> None:
    """Replaces a text in a function's source, which must occur exactly once. Works below a wrapper, too."""
    function = _function(module, name)
    function = _innermost.get(function, function)
    source = replace_once(_source(function), old, new, f"{module.__name__}.{name}")
    _exchange(function, _compile(source, module, name))
    _sources[function] = source


def replace_constant_text(module: ModuleType, name: str, old: str, new: str) -> None:
    """Replaces a text in a module's string constant, which no other module may reference."""
    value = getattr(module, name)
    setattr(module, name, replace_once(value, old, new, f"{module.__name__}.{name}"))


def replace_once(text: str, old: str, new: str, place: str) -> str:
    found = text.count(old)
    if found != 1:
        raise DoesNotFit(f"{place} has {found} times instead of once: {old!r}")
    return text.replace(old, new)


_sources: dict[FunctionType, str] = {}
"""The current source of corrected functions; inspect reads only the file."""

_innermost: dict[FunctionType, FunctionType] = {}
"""The function with MiniStack's own code, for a wrapped function."""


def _function(module: ModuleType, name: str) -> FunctionType:
    value: Any = module
    for part in name.split("."):
        value = inspect.getattr_static(value, part)
    if not isinstance(value, FunctionType) or hasattr(value, "__wrapped__") or value.__closure__:
        raise DoesNotFit(f"{module.__name__}.{name} is not a plain function")
    return value


def _source(function: FunctionType) -> str:
    return _sources.get(function) or inspect.getsource(function)


def _copy(function: FunctionType) -> FunctionType:
    copy = FunctionType(function.__code__, function.__globals__, function.__name__, function.__defaults__)
    copy.__kwdefaults__ = function.__kwdefaults__
    return copy


def _compile(source: str, module: ModuleType, name: str) -> FunctionType:
    """The function that the source defines, with the module's globals; its indentation can be that of a method."""
    if source[0].isspace():
        source = f"if True:\n{source}"
    defined: dict[str, Any] = {}
    exec(compile(source, f"<corrected {module.__name__}.{name}>", "exec"), module.__dict__, defined)
    (function,) = defined.values()
    return function


def _exchange(function: FunctionType, other: FunctionType) -> None:
    function.__code__ = other.__code__
    function.__defaults__ = other.__defaults__
    function.__kwdefaults__ = other.__kwdefaults__
