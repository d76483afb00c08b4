# Production: DATABASE_URL, SECRET_KEY and ALLOWED_HOSTS come from outside, see docs/configuration.md.
FROM python:3.12-slim

ENV PYTHONUNBUFFERED=1 PIP_ROOT_USER_ACTION=ignore PIP_DISABLE_PIP_VERSION_CHECK=1

RUN useradd --system --uid 10001 --no-create-home --shell /usr/sbin/nologin numberdesk
WORKDIR /app

# Before the code, so that a change of code alone does not install again.
COPY requirements/run.txt requirements/
RUN pip install --no-cache-dir --require-hashes -r requirements/run.txt

COPY . .
# Settings insist on these; nothing is connected to, and none of them stays in the image.
RUN DATABASE_URL=postgresql://build@localhost/numberdesk ALLOWED_HOSTS=localhost \
    SECRET_KEY="$(python -c 'import secrets; print(secrets.token_urlsafe(64))')" \
    python manage.py collectstatic --noinput \
    && python -m compileall -q apikeys campaigns config numbers

USER numberdesk
ENV HOST=0.0.0.0 PORT=8000
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=5s --start-period=20s \
    CMD ["python", "-c", "import os, urllib.request; urllib.request.urlopen(f'http://127.0.0.1:{os.environ[\"PORT\"]}/healthz', timeout=4)"]
CMD ["python", "-m", "gunicorn", "config.wsgi", "-c", "config/gunicorn_conf.py"]
