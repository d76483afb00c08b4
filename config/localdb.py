"""placeholder"""
def database_settings(): 
    return {"ENGINE": "django.db.backends.postgresql", "NAME": "numberdesk", "USER": "numberdesk", "HOST": "/tmp/nd-sock"}
def ensure_running(): ...
def local_secret(name): return "x"*60
