# One program as the image: it needs no shell, no user of its own and nothing to write to.
#
#   docker build -t watcher:0.1.0 .
#   docker run --rm watcher:0.1.0 --demo
#   docker run --rm -t watcher:0.1.0 --log-format console --demo
#   curl -sS -D - -o /dev/null … | docker run --rm -i -e LD_ACCESS_TOKEN watcher:0.1.0 -
#
# Logs are JSON unless --log-format says otherwise. To build the same image again next year, name the base by its
# digest: --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS builder

# A package index of your own: --build-arg PIP_INDEX_URL=…; only the hashes decide what is installed.
ARG PIP_INDEX_URL=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_NO_COMPILE=1 PIP_ONLY_BINARY=:all: PIP_ROOT_USER_ACTION=ignore

WORKDIR /src
COPY requirements.txt .ci/requirements-build.txt ./
RUN python -m venv --without-pip /opt/watcher \
 && pip --python /opt/watcher/bin/python install --require-hashes -r requirements.txt \
 && pip install --require-hashes -r requirements-build.txt

COPY . .
RUN python -m hatchling build --target wheel \
 && pip --python /opt/watcher/bin/python install --no-index --no-deps dist/*.whl \
 && pip --python /opt/watcher/bin/python check

# Nothing in the image changes, so the bytecode need not be compared with its source: not even where a builder
# or a registry has rewritten the files' times, which would have every start compile everything again.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/watcher/lib


FROM ${PYTHON_IMAGE}

ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="watcher" \
      org.opencontainers.image.description="Waits for a LaunchDarkly big-segment import to end, and says how with an exit code" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"

COPY --from=builder /opt/watcher /opt/watcher
ENV PATH=/opt/watcher/bin:$PATH

# The official images come without the standard library's bytecode. To import everything once writes that of the part
# in use, and shows that nothing is missing here.
RUN PYTHONDONTWRITEBYTECODE='' python -c "import pkgutil, watcher; \
      [__import__(found.name) for found in pkgutil.walk_packages(watcher.__path__, 'watcher.')]"

# Safe path: the working directory may be a mounted one, and no module is taken from there.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    WATCHER_LOG_FORMAT=json

# A number, so that a cluster can see that it is not root; no such user need exist.
USER 65532:65532

# Process 1 is the program itself: it takes its signals over before it does anything else, and has no children to reap.
# There is no HEALTHCHECK, because nothing is served before --listen names a port: an orchestrator probes /healthz and
# /readyz there.
ENTRYPOINT ["python", "-m", "watcher"]
