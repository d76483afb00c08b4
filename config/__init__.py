"""Numberdesk's wiring, imported before everything else: settings, URLs, WSGI and shared code.

The app folder ``numbers`` has the name of a standard-library module that ``decimal`` needs. The
folder has no ``__init__.py``, because a folder without one never hides the standard module. The
standard module gets a ``__path__`` of that folder, which makes ``numbers.models`` importable.
``tests/config/test_numbers_package.py`` guards this.
"""

from pathlib import Path

import numbers

numbers.__path__ = [str(Path(__file__).resolve().parent.parent / "numbers")]
