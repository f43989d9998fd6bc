# An image of one program. It needs no shell, no user of its own, and no writable directory.
#
#   docker build -t watcher:0.1.0 .
#   docker run --rm watcher:0.1.0 --demo
#   docker run --rm -t watcher:0.1.0 --log-format console --demo
#   docker run --rm -i -e LD_ACCESS_TOKEN watcher:0.1.0 - <headers
#
# The default log format is JSON. For reproducible builds, name the base image by its digest:
# --build-arg PYTHON_IMAGE=python:3.13-slim@sha256:…
ARG PYTHON_IMAGE=python:3.13-slim

FROM ${PYTHON_IMAGE} AS builder

# For your own package index, use --build-arg PIP_INDEX_URL=…; the hashes ensure that the packages are the same.
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

# Unchecked: nothing in the image changes. If a builder or registry rewrote the files' times, checked bytecode would be
# compiled again at every start.
RUN python -m compileall -q --invalidation-mode unchecked-hash /opt/watcher/lib


FROM ${PYTHON_IMAGE}

ARG PYTHON_IMAGE
LABEL org.opencontainers.image.title="watcher" \
      org.opencontainers.image.description="Wait until LaunchDarkly big-segment imports are final, and exit with a code for the outcome" \
      org.opencontainers.image.version="0.1.0" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.base.name="${PYTHON_IMAGE}"

COPY --from=builder /opt/watcher /opt/watcher
ENV PATH=/opt/watcher/bin:$PATH

# The official images have no bytecode of the standard library. Importing everything once compiles the part that is
# used, and fails the build if a module is missing. Airflow is not in the image.
RUN PYTHONDONTWRITEBYTECODE='' python -c "import pkgutil, watcher; \
      names = [found.name for found in pkgutil.walk_packages(watcher.__path__, 'watcher.')]; \
      [__import__(name) for name in names if not name.startswith('watcher.airflow.')]"

# Safe path: never import modules from the working directory, which may be mounted.
ENV PYTHONDONTWRITEBYTECODE=1 \
    PYTHONSAFEPATH=1 \
    WATCHER_LOG_FORMAT=json

# A number, so that Kubernetes can check that it is not root. The user need not exist.
USER 65532:65532

# The program is process 1: it handles signals from the start and has no child processes. There is no HEALTHCHECK,
# because it serves /healthz and /readyz only with --listen.
ENTRYPOINT ["python", "-m", "watcher"]
