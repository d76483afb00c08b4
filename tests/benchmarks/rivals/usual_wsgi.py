from django.core.wsgi import get_wsgi_application

import config  # noqa: F401  makes the `numbers` app importable

application = get_wsgi_application()
