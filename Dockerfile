# The runner image: Node, the bundle, the libraries that Node links, and nothing else. docs/image.md says how to build and verify it.
ARG BUILD_BASE=node:26-bookworm-slim

FROM ${BUILD_BASE} AS tools
RUN apt-get update && apt-get install -y --no-install-recommends binutils

FROM tools AS root
COPY images/runner/make-root.sh /build/
RUN sh /build/make-root.sh /image

FROM tools AS build
WORKDIR /build
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --no-audit --no-fund
# The Node that the lock names, for whatever architecture this is: it lies in an optional dependency.
RUN mkdir -p /image/usr/local/bin /image/holdfast \
  && strip -o /image/usr/local/bin/node "$(readlink -f node_modules/.bin/node)"
COPY . .
RUN node_modules/.bin/node --disable-warning=ExperimentalWarning test/tools/bundle.ts \
  && cp -R dist/. LICENSE /image/holdfast/ \
  && chmod -R a+rX,go-w /image

FROM tools AS assembled
COPY --from=root /image /image
COPY --from=build /image /image
COPY images/runner/warm-up.mjs /build/
RUN node /build/warm-up.mjs /image

FROM scratch
COPY --from=root /image /
COPY --from=build /image/usr /usr
COPY --from=assembled /image/holdfast /holdfast
ENV PATH=/usr/local/bin HOME=/home/nonroot NODE_COMPILE_CACHE=/holdfast/compile-cache
WORKDIR /
USER 65532:65532
STOPSIGNAL SIGTERM
# The small young generation saves 20 to 35 MB of memory at the peak, at the same processor time.
ENTRYPOINT ["/usr/local/bin/node", "--max-semi-space-size=1", "/holdfast/holdfast.mjs"]

# Version, revision and source are for the builder to add: `make image` does.
LABEL org.opencontainers.image.title="Holdfast" \
  org.opencontainers.image.description="Backups of Redis, Valkey, Elasticsearch and OpenSearch that fail when they are incomplete" \
  org.opencontainers.image.licenses="Apache-2.0"
