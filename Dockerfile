# One image for every process: `doorguard run alarms|ingest|detect|app|broker`, `doorguard migrate`.
FROM python:3.13-slim-bookworm AS build
WORKDIR /src
COPY . .
RUN python -m venv /opt/doorguard && /opt/doorguard/bin/pip install --no-cache-dir .

FROM python:3.13-slim-bookworm
RUN useradd --system --create-home --home-dir /var/lib/doorguard doorguard \
 && install -d -o doorguard -m 0700 /var/lib/doorguard/state /var/lib/doorguard/objects
COPY --from=build /opt/doorguard /opt/doorguard
ENV PATH=/opt/doorguard/bin:$PATH PYTHONUNBUFFERED=1 DOORGUARD_STATE_FOLDER=/var/lib/doorguard/state
USER doorguard
WORKDIR /var/lib/doorguard
ENTRYPOINT ["doorguard"]
CMD ["--help"]
