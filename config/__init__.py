"""Numberdesk's wiring, imported before everything else: settings, URLs, WSGI and shared code.

- ``actors``: who acted in a request, and its id.
- ``admin``: what every admin page shares.
- ``api``: what every endpoint shares.
- ``commands``: what management commands share.
- ``counts``: counts with their noun, and amounts.
- ``db``: PostgreSQL.
- ``dev``: ``make run`` and its PostgreSQL.
- ``docs_site``: the pages under ``/docs``.
- ``documents``: documents that are made once and served with an ETag.
- ``env``: variables and lists of secrets.
- ``errors``: the errors of the API and their statuses.
- ``formats``: how the desk writes moments.
- ``gunicorn_conf``: settings of the server.
- ``http``: what happens around a request.
- ``json_text``: JSON as bytes.
- ``moments``: what a time without a fraction means.
- ``observability``: logs, metrics, traces.
- ``sealing``: encryption of secrets at rest.
- ``settings``: settings of Django.
- ``urls``: the URLs.
- ``wsgi``: the WSGI application.

The app folder ``numbers`` has the name of a standard-library module that ``decimal`` needs. The
folder has no ``__init__.py``, because a folder without one never hides the standard module. The
standard module gets a ``__path__`` of that folder, which makes ``numbers.models`` importable.
``tests/config/test_numbers_package.py`` guards this.
"""

from pathlib import Path

import numbers

numbers.__path__ = [str(Path(__file__).resolve().parent.parent / "numbers")]
