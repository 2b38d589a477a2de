# dngate's image: built in Debian 13, shipped on nothing.        make image, or docker build -t dngate .
#
# Build arguments, all optional:
#   DNGATE_MIRROR         a Debian mirror instead of the base image's own
#   DNGATE_SECURITY_MIRROR  one of Debian's security archive, where it does not stand beside the other
#   NPM_CONFIG_REGISTRY   an npm registry instead of npm's own
#   VERSION, REVISION     for the labels; the binary knows them from the sources
# Proxies (http_proxy and the like) Docker passes on by itself; --network host helps where its bridge reaches no mirror.
#
# Build with BuildKit (every Docker since 23; DOCKER_BUILDKIT=1 before): the classic builder loses the file's capability,
# and then ports below 1024 are not to be had on the host's network.

# From what changes seldom to what changes often: an edit of the sources costs one `make`.
FROM debian:trixie-slim AS build
ARG DNGATE_MIRROR= DNGATE_SECURITY_MIRROR=
RUN if [ -n "$DNGATE_MIRROR" ]; then \
        rm -f /etc/apt/sources.list.d/*; echo "deb $DNGATE_MIRROR trixie main" >/etc/apt/sources.list; \
    fi
WORKDIR /src
COPY docker/packages.sh docker/
RUN docker/packages.sh build image
COPY docker/deps.sh docker/sources.lock docker/deps-check.c docker/
RUN docker/deps.sh build/deps
ARG NPM_CONFIG_REGISTRY=
ENV NPM_CONFIG_CAFILE=/etc/ssl/certs/ca-certificates.crt
COPY admin-ui/package.json admin-ui/package-lock.json admin-ui/
RUN [ -n "$NPM_CONFIG_REGISTRY" ] || unset NPM_CONFIG_REGISTRY; \
    npm ci --no-audit --no-fund --loglevel=error --prefix admin-ui
COPY . .
# The capability is permitted, not effective: so the binary starts where it is denied, too (appliance/core/privilege.h).
RUN touch admin-ui/node_modules/.package-lock.json && make && \
    mkdir -p image/usr/share/sbom image/data image/tmp && chmod 1777 image/tmp && \
    install -m 755 build/dngate image/ && install -m 644 build/gen/sbom.spdx.json image/usr/share/sbom/dngate.spdx.json && \
    setcap cap_net_bind_service=p image/dngate && mv image/data data

FROM scratch
ARG VERSION= REVISION=
LABEL org.opencontainers.image.title="dngate" \
      org.opencontainers.image.description="Turns Genesys directory numbers into browser phones" \
      org.opencontainers.image.licenses="BSD-3-Clause" \
      org.opencontainers.image.version="$VERSION" \
      org.opencontainers.image.revision="$REVISION"
COPY --from=build /src/image/ /
COPY --from=build --chown=10001:10001 /src/data/ /data/
USER 10001:10001
VOLUME /data
# The ports that are one each; the media's ranges are in README.md.
EXPOSE 80/tcp 443/tcp 8089/tcp 3478/tcp 3478/udp 5349/tcp 5060/tcp 5060/udp 10000/udp
STOPSIGNAL SIGTERM
HEALTHCHECK --interval=5s --timeout=3s --start-period=10s --retries=3 CMD ["/dngate", "healthcheck"]
ENTRYPOINT ["/dngate"]
CMD ["serve"]
