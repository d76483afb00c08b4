"""Django settings. Everything that differs between machines comes from the environment.

Without ``DATABASE_URL`` the desk runs on an embedded PostgreSQL (config/dev/postgres.py) with safe
local defaults, for development and tests. With it, the desk is in production: ``SECRET_KEY`` and
``ALLOWED_HOSTS`` are required, and cookies and redirects require HTTPS.
docs/configuration.md documents every variable.
"""

from datetime import timedelta

from config.dev import postgres
from config.env import BASE_DIR, Environment
from config.observability import tracing

env = Environment()

PRODUCTION = env.flag("PRODUCTION", default=env.given("DATABASE_URL"))
DEBUG = env.flag("DEBUG", default=False)

SECRET_KEY = env.text(
    "SECRET_KEY", required=PRODUCTION, default="", minimum_length=50 if PRODUCTION else 0
)
if not SECRET_KEY:
    SECRET_KEY = postgres.local_secret("django")
# Keys are high-entropy secrets. The pepper makes a stolen table useless even for guessable keys.
# Rotation: put the new one first, and keep the old ones behind it until every key has rotated.
API_KEY_PEPPERS = env.peppers("API_KEY_PEPPERS")
ALLOWED_HOSTS = env.words(
    "ALLOWED_HOSTS", required=PRODUCTION, default=["localhost", "127.0.0.1", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.words("CSRF_TRUSTED_ORIGINS", default=[])

# --- database ------------------------------------------------------------------------------------
# Django's default is a new connection for each request. Kept connections double the orders a
# second. Each thread has one, see config.db.backend. Prepared statements save planning.
# config.db.backend.pooler detects a PgBouncer that loses them.
DATABASE_PREPARE = env.flag("DATABASE_PREPARE", default=True)
# For each of several hosts. Waiting for a connection means that the database is away. Unlike a
# queue for a lock, that wait does not progress, so the limit is shorter.
DATABASE_CONNECT_TIMEOUT = env.integer("DATABASE_CONNECT_TIMEOUT", default=2, minimum=2)
LOCK_TIMEOUT_MS = env.integer("LOCK_TIMEOUT_MS", default=5_000, minimum=1)
STATEMENT_TIMEOUT_MS = env.integer("STATEMENT_TIMEOUT_MS", default=15_000, minimum=1)

EMBEDDED_DATABASE = not env.given("DATABASE_URL")
DATABASES = {
    "default": postgres.database_settings() if EMBEDDED_DATABASE else env.database("DATABASE_URL")
}
if env.text("REPLICA_URL"):  # for lists and searches, see config.db.replica
    DATABASES["replica"] = env.database("REPLICA_URL")
for _database in DATABASES.values():
    _database.update(
        ENGINE="config.db.backend",
        CONN_MAX_AGE=3600,  # the caches of a PostgreSQL backend grow with its age
        DISABLE_SERVER_SIDE_CURSORS=not DATABASE_PREPARE,
    )
    _database["TEST"] = {"NAME": "numberdesk_test"}
    _database.setdefault("OPTIONS", {}).update(
        server_side_binding=DATABASE_PREPARE,
        # None prepares nothing (Django's default). 2 prepares a statement at its third run.
        prepare_threshold=2 if DATABASE_PREPARE else None,
        connect_timeout=DATABASE_CONNECT_TIMEOUT,
    )
if "replica" in DATABASES:
    DATABASES["replica"]["TEST"] = {"MIRROR": "default"}
DATABASE_ROUTERS = ["config.db.replica.Router"]
REPLICA_MAX_LAG_SECONDS = env.integer("REPLICA_MAX_LAG_SECONDS", default=10, minimum=1)

# --- apps ----------------------------------------------------------------------------------------
INSTALLED_APPS = [
    "config.admin.apps.DeskAdminConfig",  # django.contrib.admin, on our site
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django.contrib.postgres",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_static",
    "django_otp.plugins.otp_totp",
    "config.admin.apps.DeskConfig",
    "campaigns",
    "apikeys",
    "numbers",
]

# The API does not need the admin's middleware, which would cost it a third of its speed.
# PastTheAdmin sends requests under /v1 directly to View.
MIDDLEWARE = [
    "config.http.middleware.RequestId",
    "config.http.middleware.ContentSecurityPolicy",
    "config.http.limits.Hosts",
    "django.middleware.security.SecurityMiddleware",
    "config.http.middleware.PastTheAdmin",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "config.http.middleware.Csrf",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "config.http.admin_requests.AdminRequests",
    "axes.middleware.AxesMiddleware",
    "config.http.middleware.View",
]

ROOT_URLCONF = "config.urls"
WSGI_APPLICATION = "config.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
APPEND_SLASH = False
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"
CSRF_FAILURE_VIEW = "config.errors.answer_form_not_ours"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "config" / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ],
        },
    },
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]

# --- operators' sign-in --------------------------------------------------------------------------
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Limits of attempts in a minute, checked before hashing, and of concurrent hashes in a process.
DESK_SIGN_INS_PER_MINUTE = env.integer("DESK_SIGN_INS_PER_MINUTE", default=10, minimum=1)
DESK_SIGN_INS_PER_MINUTE_IN_ALL = env.integer(
    "DESK_SIGN_INS_PER_MINUTE_IN_ALL", default=60, minimum=1
)
DESK_HASHES_AT_ONCE = env.integer("DESK_HASHES_AT_ONCE", default=2, minimum=1, maximum=64)
PASSWORD_HASHERS = ["config.admin.sign_in.hashing.BoundedHasher"]
# If off, operators may set up a second factor, and are asked for it from then on. If on, they must.
DESK_TWO_FACTOR = env.flag("DESK_TWO_FACTOR", default=False)
# Keys that encrypt second factors, the current one first. The default is derived from SECRET_KEY.
# Rotation: put the new one first, run reseal_two_factor, then drop the old ones.
DESK_TWO_FACTOR_KEYS = env.keys("DESK_TWO_FACTOR_KEYS", default=SECRET_KEY)
OTP_TOTP_ISSUER = "Numberdesk"
AXES_ENABLED = env.flag("DESK_LOCK_OUT", default=True)
AXES_FAILURE_LIMIT = env.integer("DESK_LOCK_OUT_AFTER", default=5, minimum=1)
AXES_COOLOFF_TIME = timedelta(minutes=env.integer("DESK_LOCK_OUT_MINUTES", default=15, minimum=1))
# By both, so that a stranger can't lock out an operator, nor a wrong name a whole office.
AXES_LOCKOUT_PARAMETERS = [["username", "ip_address"]]
AXES_CLIENT_IP_CALLABLE = "config.http.client_address.host_of"
AXES_WHITELIST_CALLABLE = "config.admin.sign_in.attempts.may_try_a_locked_name"
AXES_RESET_ON_SUCCESS = True
AXES_DISABLE_ACCESS_LOG = True
AXES_LOCKOUT_TEMPLATE = "operators/locked_out.html"
AXES_VERBOSE = False
AXES_ENABLE_ADMIN = False

LANGUAGE_CODE = "en-us"
TIME_ZONE = "UTC"
USE_TZ = True
USE_I18N = False
FORMAT_MODULE_PATH = "config.formats"

STATIC_URL = "/static/"
STATICFILES_DIRS = [BASE_DIR / "config" / "static"]
STATIC_ROOT = BASE_DIR / "build" / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedStaticFilesStorage"},
}
# `make run` serves the admin's files from the installed packages; production runs collectstatic.
WHITENOISE_USE_FINDERS = not PRODUCTION

# --- the API -------------------------------------------------------------------------------------
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apikeys.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apikeys.permissions.HasScope"],
    "DEFAULT_PARSER_CLASSES": ["config.api.json_body.JsonParser"],
    "DEFAULT_RENDERER_CLASSES": ["config.api.json_body.JsonRenderer"],
    "DEFAULT_SCHEMA_CLASS": "config.api.openapi.generator.DescribedSchema",
    "EXCEPTION_HANDLER": "config.errors.answer_exception",
    "UNAUTHENTICATED_USER": None,
    "UNAUTHENTICATED_TOKEN": None,
    "URL_FORMAT_OVERRIDE": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Numberdesk",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "PATH_CONVERTER_OVERRIDES": {
        "id": {"type": "string", "format": "uuid"},
        "number": {"type": "string", "minLength": 3, "maxLength": 36},
    },
    "SORT_OPERATIONS": False,  # keep the order of the URLs: the most used first
    "POSTPROCESSING_HOOKS": ["config.api.openapi.generator.complete"],
}
# A body of 100 numbers with every routing field is under 16 kB.
DATA_UPLOAD_MAX_MEMORY_SIZE = env.integer("MAX_BODY_BYTES", default=262_144, minimum=16_384)
CURRENCY = env.currency("CURRENCY", default="USD")
NUMBER_QUARANTINE_DAYS = env.integer("NUMBER_QUARANTINE_DAYS", default=45, minimum=0)
RENEWAL_SUSPEND_DAYS = env.integer("RENEWAL_SUSPEND_DAYS", default=7, minimum=0, maximum=3_650)
RENEWAL_RELEASE_DAYS = env.integer("RENEWAL_RELEASE_DAYS", default=30, minimum=0, maximum=3_650)
UNDO_RELEASE_DAYS = env.integer("UNDO_RELEASE_DAYS", default=14, minimum=0, maximum=3_650)
BACKORDERS_PER_ORGANIZATION = env.integer(
    "BACKORDERS_PER_ORGANIZATION", default=100, minimum=1, maximum=10_000
)
DESK_REFUSAL_DAYS = env.integer("DESK_REFUSAL_DAYS", default=90, minimum=31)
# Keys that encrypt the secrets of webhooks and the tax ids of brands, the current one first.
WEBHOOK_SECRET_KEYS = env.keys("WEBHOOK_SECRET_KEYS", default=SECRET_KEY)
WEBHOOK_PRIVATE_HOSTS = env.words("WEBHOOK_PRIVATE_HOSTS", default=[])
# --- the worker: manage.py worker ----------------------------------------------------------------
WORKER_POLL_SECONDS = env.integer("WORKER_POLL_SECONDS", default=5, minimum=1, maximum=3_600)
WORKER_JOBS = env.integer("WORKER_JOBS", default=2, minimum=1, maximum=32)
WORKER_LISTEN_URL = env.postgres_url("WORKER_LISTEN_URL")
VERIFY_INVENTORY_AT = env.time_of_day("VERIFY_INVENTORY_AT", default="03:30")
DESK_JOB_DAYS = env.integer("DESK_JOB_DAYS", default=90, minimum=7)
IMPORT_MAX_BYTES = env.integer("IMPORT_MAX_BYTES", default=268_435_456, minimum=65_536)
FILE_UPLOAD_HANDLERS = [
    "config.http.uploads.BoundedUpload",
    "django.core.files.uploadhandler.MemoryFileUploadHandler",
    "django.core.files.uploadhandler.TemporaryFileUploadHandler",
]
RATE_LIMIT_PER_MINUTE = env.integer("RATE_LIMIT_PER_MINUTE", default=6_000, minimum=1)
PLATFORM_RATE_LIMIT_PER_MINUTE = env.integer(
    "PLATFORM_RATE_LIMIT_PER_MINUTE", default=600_000, minimum=1
)
FAILED_AUTHENTICATIONS_PER_MINUTE = env.integer(
    "FAILED_AUTHENTICATIONS_PER_MINUTE", default=60, minimum=1
)
# Holds are free, so they are limited. Each adds two rows of history.
HOLD_SECONDS_PER_DAY = env.integer("HOLD_SECONDS_PER_DAY", default=3_600, minimum=60)
HELD_NUMBERS_PER_MINUTE = env.integer("HELD_NUMBERS_PER_MINUTE", default=1_000, minimum=100)
KEY_CHANGES_PER_MINUTE = env.integer("KEY_CHANGES_PER_MINUTE", default=10, minimum=1)

# --- transport -----------------------------------------------------------------------------------
SECURE_SSL_REDIRECT = env.flag("SECURE_SSL_REDIRECT", default=PRODUCTION)
# Health checks and Prometheus use plain HTTP within the network.
SECURE_REDIRECT_EXEMPT = [r"^healthz$", r"^readyz$", r"^metrics$"]
BEHIND_TLS_PROXY = env.flag("BEHIND_TLS_PROXY", default=PRODUCTION)
TRUSTED_PROXIES = env.networks("TRUSTED_PROXIES")
if BEHIND_TLS_PROXY:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
SECURE_HSTS_SECONDS = env.integer(
    "SECURE_HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0, minimum=0
)
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
SECURE_HSTS_PRELOAD = PRODUCTION
SECURE_REFERRER_POLICY = "same-origin"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_AGE = 12 * 3600
X_FRAME_OPTIONS = "DENY"

# `check --deploy` searches for Django's classes by name. config.http.middleware subclasses the CSRF
# middleware, and its ContentSecurityPolicy sets X-Frame-Options.
SILENCED_SYSTEM_CHECKS = ["security.W002", "security.W003"]

# The token for /metrics. Without one, only this machine may read it.
METRICS_TOKEN = env.text("METRICS_TOKEN", minimum_length=16)

# --- logs ----------------------------------------------------------------------------------------
LOG_LEVEL = env.choice("LOG_LEVEL", ["DEBUG", "INFO", "WARNING", "ERROR"], default="INFO")
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "config.observability.logs.JsonFormatter"}},
    "filters": {"request": {"()": "config.observability.logs.RequestFilter"}},
    "handlers": {
        "stderr": {"class": "logging.StreamHandler", "formatter": "json", "filters": ["request"]},
    },
    "root": {"handlers": ["stderr"], "level": LOG_LEVEL},
    "loggers": {
        "django": {"handlers": [], "level": LOG_LEVEL, "propagate": True},
        # The request's line has the error already; Django's "Unauthorized: /v1/…" adds nothing.
        "django.request": {"level": "ERROR"},
        # Scanners would fill it, and Sentry, with tracebacks.
        "django.security.DisallowedHost": {"level": "CRITICAL"},
    },
}
# --- errors and traces, optional -----------------------------------------------------------------
if env.text("OTEL_EXPORTER_OTLP_ENDPOINT"):
    tracing.require_opentelemetry()
    MIDDLEWARE.insert(1, "config.observability.tracing.Traces")
tracing.begin_sentry(
    env.text("SENTRY_DSN"), environment="production" if PRODUCTION else "development"
)
