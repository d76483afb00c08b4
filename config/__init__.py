"""Numberdesk's wiring, imported before everything else (settings, wsgi and manage.py live here).

The app folder ``numbers`` has the name of a standard-library module, which ``decimal`` and
``fractions`` need. So that both work, the folder has no ``__init__.py`` (a folder without one never
hides the standard module), and the standard module is given a ``__path__`` of that one folder, which
makes ``numbers.models`` importable below it. ``tests/config/test_numbers_package.py`` guards this.
"""

from pathlib import Path

import numbers

numbers.__path__ = [str(Path(__file__).resolve().parent.parent / "numbers")]
