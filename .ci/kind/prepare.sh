#!/usr/bin/env bash
# Sees to it that hack/e2e can run: Docker answers, kind and kubectl are there, and Docker has kind's node
# image, the base image of hack/Dockerfile, and an image of Redis. What is missing is made from package registries alone (build.sh).
# Prints what to export; all else goes to standard error. Usage: eval "$(.ci/kind/prepare.sh)"
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/env.sh"

is_there() {
  command -v kind >/dev/null && command -v kubectl >/dev/null && docker info >/dev/null 2>&1 &&
    [ -n "${KIND_NODE_IMAGE-}" ] && docker image inspect "$KIND_NODE_IMAGE" >/dev/null 2>&1
}

{
  if ! is_there; then
    [ "$(id -u)" = 0 ] || die 'root is needed to set up Docker and kind; or set KIND_NODE_IMAGE, with docker, kind and kubectl in PATH'
    command -v go >/dev/null || die 'Go 1.26 or later is needed to build kind and Kubernetes: package golang'
    if ! { [ -s "$KIND_CACHE/node-image.tar.zst" ] && [ -x "$BIN/host/kind" ] && [ -x "$BIN/host/kubectl" ] && command -v dockerd; }; then
      "$HERE/build.sh"
    fi
    start_dockerd
    # Four kubelets and containerds on one kernel need more than the default of 128.
    sysctl -qw fs.inotify.max_user_instances=2048 fs.inotify.max_user_watches=1048576 || true
    if ! docker image inspect "$NODE_IMAGE" >/dev/null 2>&1; then
      log "loading $NODE_IMAGE into Docker"
      zstd -dc "$KIND_CACHE/node-image.tar.zst" | docker load
    fi
    KIND_NODE_IMAGE=$NODE_IMAGE
  fi
  base=$(sed -n 's/^ARG NODE_IMAGE=//p' "$HERE/../../hack/Dockerfile")
  docker image inspect "$base" >/dev/null 2>&1 || docker pull -q "$base" 2>/dev/null || "$HERE/base-image.sh" "$base"
  redis=localhost/trestle/redis:v1
  if ! docker image inspect "$redis" >/dev/null 2>&1; then
    server=$("$HERE/../../hack/redis")
    archive=$(mktemp)
    "$HERE/mkimage.py" --ref "$redis" --out "$archive" --bin "$(readlink -f "$server"):/usr/local/bin/redis-server" \
      --user 65532 --workdir / --entrypoint redis-server
    docker load -q -i "$archive"
    rm -f "$archive"
  fi
} >&2
printf 'export KIND_NODE_IMAGE=%q TRESTLE_REDIS_IMAGE=%q TRESTLE_BUILD_NETWORK=host PATH=%q\n' "$KIND_NODE_IMAGE" "$redis" "$PATH"
