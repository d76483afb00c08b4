"""Django's PostgreSQL backend on connections of ours: the ENGINE of the settings. Django looks for ``base``."""
