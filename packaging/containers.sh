# Containers of a clean Debian 12, for the tests of the package and of the image: read by them.
#
# No registry is asked and no daemon is needed: `debian:bookworm-slim` is made of Debian's packages by
# mmdebstrap, as small as the image of that name, and kept in the cache folder for a week. Containers
# have the network of this machine, so that they reach servers on its loopback.
# shellcheck shell=bash

[[ $(id -u) == 0 ]] || { echo "${0##*/}: containers need root" >&2; exit 1; }
# What is mounted for containers is mounted for this process alone, and gone with it, however it ends.
if [[ ${DB_BACKUP_OWN_MOUNTS:-} != 1 ]]; then
  DB_BACKUP_OWN_MOUNTS=1 exec unshare --mount --propagation private -- "${self:?the path of who reads this}" "$@"
fi

cache=${XDG_CACHE_HOME:-$HOME/.cache}/db-backup-dev

die() { echo "${0##*/}: $*" >&2; exit 1; }
step() { printf '[%s] == %s\n' "$(date -u +%H:%M:%S)" "$*" >&2; }

# shellcheck source=scripts/postgres.sh
source scripts/postgres.sh # where packages come from

# Everything that a test makes lies in here, but the cache.
work=$(mktemp -d "${TMPDIR:-/tmp}/db-backup-packaging-XXXXXX")
storage=(--root "$cache/containers" --runroot "$cache/containers/run" --storage-driver overlay)

# Never below what containers have mounted, such as folders of this machine.
remove_tree() { rm -rf --one-file-system "$@"; } # FOLDER...

# What it says of itself is that there is no systemd for health checks.
engine() { podman "${storage[@]}" --log-level fatal --cgroup-manager cgroupfs --events-backend file --runtime runc "$@"; }

# The limits are those that also hold where processes may not raise their own.
container() { # ARGUMENT-OF-PODMAN-RUN...
  engine run --rm --pull never --network host --ulimit nofile=1024:1024 --ulimit nproc=1024:1024 "$@"
}

# As the real one: without manuals and translations.
make_base_image() {
  local name=docker.io/library/debian:bookworm-slim options=() option
  if engine image exists "$name" && [[ $(find "$cache/base-image" -mtime -7 2>/dev/null) ]]; then
    return
  fi
  step "making $name"
  remove_tree "$cache/containers" # with all images that were made of the old one
  while read -r option; do options+=(--aptopt="$option"); done < <(apt-config dump | grep -E '^Acquire::(Check-|Retries|ForceIPv|https?)' || true)
  debian_sources bookworm | mmdebstrap --variant=minbase --mode=root "${options[@]}" \
    --include=usr-is-merged --hook-dir=/usr/share/mmdebstrap/hooks/merged-usr \
    --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
    --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-include=/usr/share/doc/*/copyright' \
    bookworm "$work/base.tar" - >"$work/base.log" 2>&1 || { tail -n 20 "$work/base.log" >&2; die "cannot make $name"; }
  engine import --quiet --change 'CMD ["bash"]' "$work/base.tar" "$name" >/dev/null
  rm "$work/base.tar"
  touch "$cache/base-image"
}

# FOLDER holds what scripts/servers.sh says, and the database shop with a few rows.
start_postgres_with_shop() { # FOLDER
  scripts/servers.sh start postgres15 "$1" 8>&- # it may outlive this process
  PGPASSFILE=$1/pgpass "$1/bin/psql" -q -X -v ON_ERROR_STOP=1 -d "$(<"$1/endpoint")" -c 'CREATE DATABASE shop'
  PGPASSFILE=$1/pgpass "$1/bin/psql" -q -X -v ON_ERROR_STOP=1 -d "$(sed 's,/postgres$,/shop,' "$1/endpoint")" \
    -c 'CREATE TABLE orders(id int PRIMARY KEY, name text); INSERT INTO orders SELECT i, md5(i::text) FROM generate_series(1, 5000) i'
}

mkdir -p "$cache/containers" "$cache/apt"
exec 8>"$cache/containers.lock"
flock 8
remove_tree "$cache/containers/run" # what one that was killed believed to be mounted
trap 'remove_tree "$work"' EXIT
