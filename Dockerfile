# The build has the development tools; the image that runs has the package `bakehouse-server` (one bundle, the migrations, the
# API's description) and the packages that are not in the bundle.
FROM node:26-bookworm-slim AS build
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY .ci/toolchain/package.json .ci/toolchain/
RUN npm ci
COPY tsconfig.json openapi.yaml LICENSE ./
COPY src src
COPY migrations migrations
RUN npm run build && npm ci --omit=dev --workspaces=false

FROM node:26-bookworm-slim
ENV NODE_ENV=production DATA_DIR=/data
WORKDIR /app
COPY --from=build /build/dist/packages/bakehouse-server ./
COPY --from=build /build/node_modules node_modules
# Of the group 0, so that OpenShift's random users, who are in it, can write there; the service closes it where it owns it.
RUN mkdir /data && chown node:0 /data && chmod 0770 /data && ln -s /app/dist/bakehouse.js /usr/local/bin/bakehouse
# A number, which Kubernetes can tell from root's (runAsNonRoot).
USER 1000
VOLUME /data
EXPOSE 8080
HEALTHCHECK --interval=10s --timeout=3s --start-period=15s \
  CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8080}/healthz`).then((r) => process.exit(r.ok ? 0 : 1), () => process.exit(1))"]
CMD ["bakehouse", "serve"]
# `docker build --build-arg VERSION=… --build-arg REVISION=$(git rev-parse HEAD)`; unsaid, they are empty. Last,
# so that versions share the layers that they have in common.
ARG VERSION=
ARG REVISION=
LABEL org.opencontainers.image.title="bakehouse" \
  org.opencontainers.image.description="Central token issuance for AI agents" \
  org.opencontainers.image.licenses="Apache-2.0" \
  org.opencontainers.image.version="$VERSION" \
  org.opencontainers.image.revision="$REVISION" \
  org.opencontainers.image.base.name="docker.io/library/node:26-bookworm-slim"
