#!/usr/bin/env bash
# Builds the image of db-backup and uses it as somebody would: with a file system that can't be written,
# for a SQLite database on a volume, a PostgreSQL server and an S3 server on the network of this machine;
# and looks at its size, its labels and its health.
#
# usage: packaging/oci/test.sh
#
# Needs root, for containers, and the packages of `scripts/dev setup build package`. What ccache has of
# this machine's builds is used for the image, too.
set -euo pipefail
self=$(realpath "$0")
cd "${self%/*}/../.."
# shellcheck source=packaging/containers.sh
source packaging/containers.sh

readonly IMAGE=localhost/db-backup:test
readonly BYTES_MAX=200000000

build_image() {
  local compiled
  compiled=$(ccache --get-config cache_dir)
  mkdir -p "$compiled" "$cache/build"
  step "building the image"
  TMPDIR=$cache/build engine build --isolation chroot --network host --pull-never --format docker --layers \
    --volume "$compiled:/compiled" --build-arg CCACHE_DIR=/compiled --build-arg JOBS="${JOBS:-$(nproc)}" \
    --build-arg REVISION="$(git rev-parse HEAD)" -f packaging/oci/Dockerfile -t "$IMAGE" . >"$work/build.log" 2>&1 ||
    { tail -n 40 "$work/build.log" >&2; die "the image can't be built"; }
  engine image prune --force --filter until=24h >>"$work/build.log" 2>&1 || true
}

inspected() { engine image inspect --format "$1" "$IMAGE"; } # TEMPLATE

check_image() {
  local version bytes packed
  version=$(container "$IMAGE" --version)
  [[ $version == "db-backup $(inspected '{{index .Labels "org.opencontainers.image.version"}}')" ]] || die "labelled as another version than $version"
  [[ $(inspected '{{.Config.User}}') == 999:999 ]] || die "another user"
  bytes=$(inspected '{{.Size}}')
  packed=$(engine image save "$IMAGE" 2>/dev/null | gzip -1 | wc -c)
  step "the image takes $bytes bytes, packed $packed"
  ((bytes < BYTES_MAX)) || die "that is more than $BYTES_MAX"
}

# As a careful administrator would start it.
db_backup() { # ARGUMENT...
  container 8>&- --read-only --cap-drop all --security-opt no-new-privileges --tmpfs /tmp \
    -v "$work/state:/var/lib/db-backup" -v "$work/cache:/var/cache/db-backup" "${more[@]}" "$IMAGE" "$@"
}

make_volumes() {
  local each
  for each in state cache data repository; do
    mkdir "$work/$each"
  done
  sqlite3 "$work/data/small.db" "CREATE TABLE t(a, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, hex(randomblob(20)) FROM n"
  chown -R 999:999 "$work"/{state,cache,data,repository}
}

# Who backs up into a folder of their own gives their own number.
check_other_user() {
  local more=(--user 61234:61234)
  db_backup config validate
}

use_sqlite() {
  step "a SQLite database on a volume"
  local more=(-v "$work/data:/data")
  ! db_backup backup --type sqlite --database /data/small.db 2>"$work/refused" || die "a backup went into the container, which ends with it"
  grep -q nonexistent "$work/refused" || die "refused for another reason: $(<"$work/refused")"
  more+=(-v "$work/repository:/repository" -e DB_BACKUP_REPOSITORY=/repository -e DB_BACKUP_PASSPHRASE=words)
  db_backup init
  db_backup backup --type sqlite --database /data/small.db
  db_backup restore latest --to /data/restored.db --verify
  cmp <(sqlite3 "$work/data/small.db" .dump) <(sqlite3 "$work/data/restored.db" .dump) || die "another database was restored"
}

# The configuration that compose.yaml mounts, with the ports that there are here.
write_configuration() {
  local postgres s3
  postgres=$(<"$work/postgres/endpoint") s3=$(<"$work/s3/endpoint")
  sed -e "s,http://s3:7070,$s3," -e "s,postgresql://postgres@postgres:5432/shop,${postgres%/*}/shop," packaging/oci/config.yaml >"$work/config.yaml"
  [[ $(grep -c -F -e "$s3" -e "${postgres%/*}/shop" "$work/config.yaml") == 2 ]] || die "config.yaml names other servers"
}

start_servers() {
  mkdir "$work/postgres" "$work/s3"
  start_postgres_with_shop "$work/postgres"
  scripts/servers.sh start versitygw "$work/s3" 8>&-
  mkdir "$work/s3/data/backups"
  cp "$work/postgres/pgpass" "$work/data"
  chown 999:999 "$work/data/pgpass"
}

use_postgres() {
  step "PostgreSQL and S3, with the configuration of compose.yaml"
  start_servers
  write_configuration
  export AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY SHOP_PASSWORD DB_BACKUP_PASSPHRASE=words
  AWS_ACCESS_KEY_ID=$(<"$work/s3/key") AWS_SECRET_ACCESS_KEY=$(<"$work/s3/secret") SHOP_PASSWORD=$(<"$work/postgres/password")
  local restored status=0 more=(-v "$work/config.yaml:/etc/db-backup/config.yaml:ro" -v "$work/data:/data" -e PGPASSFILE=/data/pgpass
    -e AWS_ACCESS_KEY_ID -e AWS_SECRET_ACCESS_KEY -e SHOP_PASSWORD -e DB_BACKUP_PASSPHRASE)
  db_backup list --repository main --quiet 2>"$work/refused" || status=$?
  ((status == 10)) || die "exit code $status where compose.yaml counts on 10: $(<"$work/refused")"
  db_backup init --repository main
  db_backup backup --source shop
  restored=$(sed 's,/postgres$,/restored,' "$work/postgres/endpoint")
  db_backup restore latest --source shop --to "$restored" --verify
  [[ $(PGPASSFILE=$work/postgres/pgpass "$work/postgres/bin/psql" -XAt -d "$restored" -c 'SELECT count(*) FROM orders') == 5000 ]] ||
    die "rows are missing"
  run_scheduler
}

is_healthy() { engine healthcheck run "$1" >"$work/health" 2>&1; } # CONTAINER

wait_for() { # COMMAND...
  local rounds
  for ((rounds = 0; rounds < 300; ++rounds)); do
    ! "$@" || return 0
    sleep 0.1
  done
  die "in vain: $*"
}

has_succeeded() { engine exec scheduler db-backup schedule list hourly | grep -q succeeded; }

# As compose.yaml starts it. A container in which no scheduler looks for work must not look healthy.
run_scheduler() {
  step "the scheduler, and its health"
  local port
  port=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
  more+=(-e "DB_BACKUP__WEB__LISTEN=127.0.0.1:$port" --detach)
  local common=("${more[@]}")
  more+=(--name idle --entrypoint sleep)
  db_backup 300 >"$work/id"
  ! is_healthy idle || die "healthy without a scheduler"
  more=("${common[@]}" --name scheduler)
  db_backup schedule start >"$work/id"
  wait_for is_healthy scheduler
  wait_for has_succeeded
  engine exec scheduler db-backup schedule list
  engine stop --time 60 scheduler >"$work/id" # it asks first
  engine rm --force --time 0 idle >"$work/id"
}

stop() {
  engine rm --force --time 0 --all >"$work/id" 2>&1 || true
  for each in postgres s3; do scripts/servers.sh remove "$work/$each" 2>/dev/null || true; done
  remove_tree "$work"
}
trap stop EXIT

make_base_image
build_image
check_image
make_volumes
check_other_user
use_sqlite
use_postgres
step "the image is good"

