#!/usr/bin/env bash
# The tests of the Debian package and of the image, unless they passed on this machine this week with the
# same files and the same installed packages.
#
# usage: packaging/test.sh [--always]
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Containers are mounts. Where even root may make none, nothing can be tried out, and nothing is said to have passed.
if ! unshare --mount --propagation private -- mount -t tmpfs none /mnt 2>/dev/null; then
  echo "NOT TESTED: nobody may mount here, which the package's and the image's tests need" >&2
  exit
fi

passed=${XDG_CACHE_HOME:-$HOME/.cache}/db-backup-dev/packaging-passed

# Everything that either test reads, and what it runs with. Debian's own packages change, too: hence the week.
inputs() {
  date -u +%G-%V
  dpkg-query -W
  git ls-files -co --exclude-standard -z -- .dockerignore .env.example CMakeLists.txt CMakePresets.json LICENSE \
    cmake configs docs packaging scripts src tests/support | sort -z | xargs -0 sha256sum
}

key=$(inputs | sha256sum | cut -d ' ' -f 1)
if [[ ${1:-} != --always ]] && grep -qsx "$key" "$passed"; then
  echo "nothing has changed since the package and the image were tested" >&2
  exit
fi
packaging/debian/test.sh
packaging/oci/test.sh
[[ $(inputs | sha256sum | cut -d ' ' -f 1) == "$key" ]] || { echo "something has changed meanwhile" >&2; exit; }
mkdir -p "${passed%/*}"
{ echo "$key"; head -n 99 "$passed" 2>/dev/null || true; } >"$passed.new"
mv "$passed.new" "$passed"
