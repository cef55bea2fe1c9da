"""Import a user's class or function by its location, "package.module:name"."""

import importlib
import sys
from pathlib import Path

from word2vec.errors import ConfigError


def import_by_location(location: str, what: str, kind: str) -> object:
    """Import what a user wrote; the current folder is searched last.

    Args:
        location: Module and name, such as "package.module:ClassName".
        what: How a message names it, such as "objective".
        kind: What the name belongs to: "class" or "function".

    Raises:
        ConfigError: The location is invalid, importing the module fails, or it has no such name.
    """
    module_name, _, name = location.partition(":")
    if not module_name or not name:
        form = {"class": "ClassName", "function": "function"}[kind]
        raise ConfigError(f"{what} {location!r}: invalid location; write it as package.module:{form}")
    current_folder = str(Path.cwd())
    # a console script has its own folder in sys.path instead; the entry stays, for imports inside the user's functions
    if current_folder not in sys.path:
        sys.path.append(current_folder)
    importlib.invalidate_caches()
    try:
        module = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise ConfigError(f"{what} {location}: no module {error.name!r} is installed or in {current_folder}") from error
    except Exception as error:
        reason = " ".join(f"{type(error).__name__}: {error}".split())
        raise ConfigError(f"{what} {location}: importing {module_name} failed with {reason}") from error
    found = getattr(module, name, None)
    if found is None:
        raise ConfigError(f"{what} {location}: {module.__file__} has no {kind} {name}")
    return found
