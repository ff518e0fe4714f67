#!/usr/bin/env bash
# Builds the Debian package and looks at it from all sides: lintian, reproducibility, the unit, the
# manual pages; then installs, uses and purges it on a clean Debian 12, in a container.
#
# usage: packaging/debian/test.sh
#
# Needs root, for containers, and the packages of `scripts/dev setup build package`.
set -euo pipefail
self=$(realpath "$0")
cd "${self%/*}/../.."
# shellcheck source=packaging/containers.sh
source packaging/containers.sh

build_twice() {
  local each
  scripts/dev build release
  step "packing twice, which has to give the same bytes"
  for each in package again; do
    (cd build/release && cpack -G DEB -B "$work/$each") >"$work/log" 2>&1 || { cat "$work/log" >&2; die "cpack failed"; }
    rm -rf "$work/$each/_CPack_Packages"
  done
  package=$(echo "$work"/package/*.deb)
  cmp "$package" "$work/again/${package##*/}"
}

check_package() {
  step "lintian"
  lintian --allow-root --fail-on error,warning "$package"
  step "the unit and the manual pages"
  dpkg-deb -x "$package" "$work/unpacked"
  local unit=$work/db-backup.service page
  sed "s,/usr/bin/db-backup,$work/unpacked/usr/bin/db-backup," "$work/unpacked/lib/systemd/system/db-backup.service" >"$unit"
  systemd-analyze verify --man=no "$unit"
  systemd-analyze security --no-pager --offline=true --threshold=30 "$unit" | tail -n 1
  for page in "$work"/unpacked/usr/share/man/man*/*.gz; do
    gunzip -c "$page" >"$work/page"
    mandoc -T lint -W warning "$work/page"
  done
}

use_package() {
  step "installing, using and purging it on a clean machine"
  mkdir "$work/postgres" "$work/shared"
  start_postgres_with_shop "$work/postgres"
  cp "$work/postgres"/{endpoint,password,pgpass} docs/install.md packaging/debian/clean_machine.sh "$work/shared"
  container -v "$work/package:/package:ro" -v "$work/shared:/shared:ro" -v "$cache/apt:/var/cache/apt/archives" \
    debian:bookworm-slim /shared/clean_machine.sh
}

stop() {
  scripts/servers.sh remove "$work/postgres" 2>/dev/null || true
  remove_tree "$work"
}
trap stop EXIT

build_twice
check_package
make_base_image
use_package
step "the package is good: $(stat -c %s "$package") bytes"
