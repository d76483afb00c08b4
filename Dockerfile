# The desk's image. docs/operations.md says what it is started with; tests/drills/image builds and runs it.
# Any base with Python 3.11 to 3.15, venv and pip: Debian's own packages will do where no registry is.
ARG BASE=docker.io/library/python:3.13-slim

FROM ${BASE} AS build
ARG PYTHON=python3
# For SENTRY_DSN and OTEL_EXPORTER_OTLP_ENDPOINT: --build-arg REQUIREMENTS="run telemetry".
ARG REQUIREMENTS=run
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /app
# Before the code, so that a change of code alone does not install again.
COPY requirements/*.txt requirements/
RUN "${PYTHON}" -m venv /opt/venv \
    && for set in ${REQUIREMENTS}; do \
        /opt/venv/bin/python -m pip install --quiet --require-hashes -r "requirements/${set}.txt" || exit 1; \
    done
COPY . .
# Settings insist on these three. Nothing is connected to, and none of them stays in the image.
RUN DATABASE_URL=postgresql://build@localhost/numberdesk ALLOWED_HOSTS=localhost \
    SECRET_KEY="$(/opt/venv/bin/python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    /opt/venv/bin/python manage.py collectstatic --noinput \
    && /opt/venv/bin/python -m compileall -q apikeys campaigns config numbers

FROM ${BASE}
ENV PATH=/opt/venv/bin:${PATH} PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 HOST=0.0.0.0 PORT=8000
COPY --from=build /opt/venv /opt/venv
COPY --from=build /app /app
WORKDIR /app
# By number, so that Kubernetes can see that it is not root (runAsNonRoot). Nothing in /app is its to write:
# uploads wait in /tmp, counters in /dev/shm, so the root filesystem can be read-only with a tmpfs at /tmp.
USER 10001:10001
EXPOSE 8000
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=10s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
CMD ["python", "-m", "gunicorn", "config.wsgi", "-c", "config/gunicorn_conf.py"]
