import config  # noqa: F401  makes the `numbers` app importable
from django.core.wsgi import get_wsgi_application

application = get_wsgi_application()
