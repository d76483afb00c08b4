"""How the desk writes moments: settings.FORMAT_MODULE_PATH."""
