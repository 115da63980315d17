# One image per service: docker build --build-arg SERVICE=signer -t sealwright-signer .
# SERVICE is signer, rotator, certify, stamp, sandbox (NATS, registry, wallet and what compose.yaml sets up first) or client
# (the sealwright command).
FROM debian:bookworm-slim AS build
ARG SERVICE
RUN test -n "$SERVICE" || { echo "give --build-arg SERVICE=signer|rotator|certify|stamp|sandbox|client" >&2; exit 1; }
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 python3-venv \
 && rm -rf /var/lib/apt/lists/*
WORKDIR /opt/sealwright
RUN python3 -m venv /opt/uv && /opt/uv/bin/pip install --no-cache-dir uv==0.13.9
COPY pyproject.toml uv.lock ./
COPY protos protos
COPY libs libs
COPY services services
RUN package=$(echo "sealwright-$SERVICE" | sed s/-client$//) \
 && UV_LINK_MODE=copy /opt/uv/bin/uv sync --frozen --no-dev --no-cache --package "$package" \
 && .venv/bin/python -m compileall -q .venv/lib protos libs services \
 && rm -rf .venv/lib/python*/site-packages/pip*
# stamp's prover is compiled here; a processor of another kind compiles its own at the first start
RUN mkdir compiled && case "$SERVICE" in stamp) \
    NUMBA_CACHE_DIR=/opt/sealwright/compiled .venv/bin/python -m sealwright_stamp.adapters.proofs ;; esac

FROM debian:bookworm-slim
ARG SERVICE
# the PKCS#11 token is software here; a real one's module is mounted in its place
RUN apt-get update \
 && apt-get install -y --no-install-recommends ca-certificates python3 tini \
 && case "$SERVICE" in signer | sandbox) apt-get install -y --no-install-recommends softhsm2 ;; esac \
 && rm -rf /var/lib/apt/lists/* \
 && useradd --uid 10001 --user-group --no-create-home --home-dir /data sealwright \
 && install -d -o sealwright -g sealwright /data /secrets /secrets/ca /secrets/postgres /secrets/nats \
    /secrets/signer /secrets/rotator /secrets/certify /secrets/stamp /secrets/operator /secrets/registry /secrets/wallet
COPY --from=build /opt/sealwright /opt/sealwright
ENV PATH=/opt/sealwright/.venv/bin:$PATH PYTHONUNBUFFERED=1 SERVICE=$SERVICE NUMBA_CACHE_DIR=/tmp/compiled
USER 10001:10001
WORKDIR /data
LABEL org.opencontainers.image.title="sealwright-$SERVICE" org.opencontainers.image.licenses="Apache-2.0"
# ready means: it answers, and so do the database, the broker and (signer) the token
HEALTHCHECK --interval=5s --timeout=3s --start-period=90s --retries=6 \
    CMD ["/opt/sealwright/.venv/bin/python", "/opt/sealwright/deploy/healthcheck.py"]
ENTRYPOINT ["/usr/bin/tini", "--", "/opt/sealwright/deploy/entrypoint.sh"]
COPY deploy/healthcheck.py deploy/entrypoint.sh /opt/sealwright/deploy/
