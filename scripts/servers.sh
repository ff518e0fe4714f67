#!/usr/bin/env bash
# Servers of object stores and of databases for the tests: installed into a cache folder (object stores at
# pinned versions), started on free ports of the loopback, stopped by process id.
#
# usage: scripts/servers.sh install NAME...
#        scripts/servers.sh program NAME         prints where that is
#        scripts/servers.sh start NAME FOLDER [--tls] [--with-caller]
#                                                FOLDER/endpoint then holds the URL, FOLDER/key and
#                                                FOLDER/secret who may do everything (azurite, azure:
#                                                FOLDER/account and FOLDER/key), FOLDER/ca.crt whom to
#                                                trust with --tls. --with-caller: it ends with the
#                                                process that called this script, however that ends
#        scripts/servers.sh start toxiproxy FOLDER
#                                                FOLDER/endpoint is the URL of its control interface
#        scripts/servers.sh start postgres15|postgres17|... FOLDER [--tls] [--fsync] [--set NAME=VALUE]...
#        scripts/servers.sh start postgres15-standby|postgres17-standby|... FOLDER --of FOLDER [--set NAME=VALUE]...
#                                                FOLDER/endpoint then holds the URI of the superuser admin,
#                                                FOLDER/password its password, FOLDER/reader_password that
#                                                of the ordinary role reader, FOLDER/pgpass both,
#                                                FOLDER/bin the programs of that version, FOLDER/data and
#                                                FOLDER/socket what they say, FOLDER/log the log
#        scripts/servers.sh crash FOLDER         ends it in the middle of whatever it does
#        scripts/servers.sh restart NAME FOLDER  after a stop or crash, on the same port, with what was
#                                                stored: versitygw, minio, postgres...
#        scripts/servers.sh stop FOLDER
#        scripts/servers.sh remove FOLDER        stops it; data that lie elsewhere are deleted
#
# names: versitygw
#        minio (a second opinion on S3)
#        s3proxy (a third one, for the long run: needs Java, lists objects that are half written, and
#                 answers ranges that end beyond the object with the length that was asked for, so it
#                 is no server of the conformance suite)
#        azurite
#        azure (azurite behind tests/support/azure_front.py, whose head tells what it adds)
#        toxiproxy (latency, resets and silence on the way to another; counts bytes)
#        gcs (fake-gcs-server behind tests/support/gcs_front.py, whose head tells of its files)
#        postgres15, postgres17, postgres18 (the packages of Debian 12, 13, 14: scripts/postgres.sh)
#        postgres12, postgres13, postgres14, postgres16 (for the long run: need Java to be installed)
#        pgbackrest12, pgbackrest14 (of Debian 12 and 14, for the benchmarks; nothing to start)
#
# Environment:
#   DB_BACKUP_SERVERS    the cache folder (default: ~/.cache/db-backup-dev/servers)
set -euo pipefail

readonly VERSITYGW=v1.8.0 MINIO=v0.0.0-20260212201848-7aac2a2c5b7c TOXIPROXY=v2.5.0 FAKE_GCS=v1.56.1 AZURITE=3.35.0 S3PROXY=4.1.0 GO=1.26.0
cache=${DB_BACKUP_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/db-backup-dev/servers}

die() { echo "servers.sh: $*" >&2; exit 1; }

# shellcheck source=scripts/postgres.sh
source "$(dirname "${BASH_SOURCE[0]}")/postgres.sh"
# shellcheck source=scripts/pgbackrest.sh
source "$(dirname "${BASH_SOURCE[0]}")/pgbackrest.sh"

# Go 1.21 and later fetch the toolchain that a module asks for by themselves; what Debian 12 has is
# older, and can fetch a newer one as the module that it is.
find_go() {
  local go found=
  for go in "$cache/go-$GO/bin/go" go /usr/local/go/bin/go; do
    command -v "$go" >/dev/null || continue
    found=$(command -v "$go")
    if "$found" version | grep -Eq 'go1\.(2[1-9]|[3-9][0-9])'; then
      echo "$found"
      return
    fi
  done
  [[ $found ]] || die "Go is needed to build the test servers: apt-get install golang-go"
  install_go "$found" >&2
  echo "$cache/go-$GO/bin/go"
}

# Modules are read-only, and their programs are no programs.
install_go() { # OLDER-GO
  local folder
  folder=$(mktemp -d)
  (cd "$folder" && GOPATH=$folder GOFLAGS=-modcacherw "$1" mod download \
    "golang.org/toolchain@v0.0.1-go$GO.linux-amd64")
  mv "$folder/pkg/mod/golang.org/toolchain@v0.0.1-go$GO.linux-amd64" "$folder/go"
  chmod +x "$folder"/go/bin/* "$folder"/go/pkg/tool/*/*
  mv "$folder/go" "$cache/go-$GO"
  rm -rf "$folder"
}

# A program of a Go module, built in a module of its own, so that nothing else decides versions.
install_go_program() { # NAME PACKAGE VERSION
  local go folder log
  go=$(find_go)
  folder=$(mktemp -d)
  log=$folder/log
  if ! (cd "$folder" && "$go" mod init scratch && "$go" get "$2@$3" &&
    "$go" build -trimpath -o "$folder/$1" "$2") >"$log" 2>&1; then
    tail -n 20 "$log" >&2
    rm -rf "$folder"
    die "cannot build $1 $3"
  fi
  mv "$folder/$1" "$cache/$1-$3"
  rm -rf "$folder"
}

# A package of npm and all that it needs, as scripts/NAME/package-lock.json pins them. Nothing of it may
# run while it is installed. Made anew by: npm install --package-lock-only --omit-lockfile-registry-resolved
install_npm_package() { # NAME VERSION
  local folder pinned
  pinned=$(dirname "${BASH_SOURCE[0]}")/$1
  command -v npm >/dev/null || die "npm is needed to install $1: apt-get install nodejs npm"
  grep -q "\"$1\": \"$2\"" "$pinned/package.json" || die "$pinned does not pin $1 $2"
  folder=$(mktemp -d)
  cp "$pinned"/package*.json "$folder"
  if ! npm ci --prefix "$folder" --ignore-scripts --omit=dev --no-audit --no-fund >"$folder/log" 2>&1; then
    tail -n 20 "$folder/log" >&2
    rm -rf "$folder"
    die "cannot install $1 $2"
  fi
  mv "$folder" "$cache/$1-$2"
}

# A file of Maven's repository.
fetch_maven_jar() { # GROUP:ARTIFACT VERSION PACKAGING[:CLASSIFIER] FOLDER
  mvn -q -B org.apache.maven.plugins:maven-dependency-plugin:3.6.1:copy -Dartifact="$1:$2:$3" -DoutputDirectory="$4"
}

# A program of Java with all that it needs in one file.
install_maven_jar() { # NAME GROUP:ARTIFACT VERSION
  local folder
  command -v mvn >/dev/null || die "Maven is needed to install $1: apt-get install maven openjdk-17-jre-headless"
  folder=$(mktemp -d)
  if ! fetch_maven_jar "$2" "$3" jar:jar-with-dependencies "$folder" >"$folder/log" 2>&1; then
    tail -n 20 "$folder/log" >&2
    rm -rf "$folder"
    die "cannot install $1 $3"
  fi
  chmod +x "$folder"/*.jar
  mv "$folder"/*.jar "$cache/$1-$3.jar"
  rm -rf "$folder"
}

program_of() { # NAME
  case $1 in
    versitygw) echo "$cache/versitygw-$VERSITYGW" ;;
    minio) echo "$cache/minio-$MINIO" ;;
    toxiproxy) echo "$cache/toxiproxy-$TOXIPROXY" ;;
    gcs) echo "$cache/fake-gcs-server-$FAKE_GCS" ;;
    azurite | azure) echo "$cache/azurite-$AZURITE/node_modules/.bin/azurite-blob" ;;
    s3proxy) echo "$cache/s3proxy-$S3PROXY.jar" ;;
    postgres*) echo "$(postgres_bin "$1")/postgres" ;;
    pgbackrest*) pgbackrest_program "$1" ;;
    *) die "no server '$1'" ;;
  esac
}

cmd_program() { program_of "$1"; } # NAME

cmd_install() {
  local name
  mkdir -p "$cache"
  for name in "$@"; do
    [[ -x $(program_of "$name") ]] && continue
    echo "== installing $name" >&2
    case $name in
      versitygw) install_go_program versitygw github.com/versity/versitygw/cmd/versitygw $VERSITYGW ;;
      minio) install_go_program minio github.com/minio/minio $MINIO ;;
      toxiproxy) install_go_program toxiproxy github.com/Shopify/toxiproxy/v2/cmd/server $TOXIPROXY ;;
      gcs) install_go_program fake-gcs-server github.com/fsouza/fake-gcs-server $FAKE_GCS ;;
      azurite | azure) install_npm_package azurite $AZURITE ;;
      s3proxy) install_maven_jar s3proxy org.gaul:s3proxy $S3PROXY ;;
      postgres*) install_postgres "$name" ;;
      pgbackrest*) install_pgbackrest "$name" ;;
    esac
  done
}

free_port() {
  python3 "$(dirname "${BASH_SOURCE[0]}")/../tests/support/free_port.py"
}

# Whether something listens; bash's own way needs no program.
answers() { # PORT
  (exec 3<>"/dev/tcp/127.0.0.1/$1") 2>/dev/null
}

# An authority of its own, and a certificate of it for this machine.
make_certificates() { # FOLDER
  openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 2 -subj "/CN=test CA" \
    -keyout "$1/ca.key" -out "$1/ca.crt"
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -subj /CN=localhost \
    -keyout "$1/server.key" -out "$1/server.csr"
  openssl x509 -req -in "$1/server.csr" -CA "$1/ca.crt" -CAkey "$1/ca.key" -CAcreateserial -days 2 \
    -out "$1/server.crt" -extfile <(echo "subjectAltName=IP:127.0.0.1,DNS:localhost")
}

start_versitygw() { # FOLDER PORT
  local tls=()
  mkdir -p "$1/data" "$1/versions" "$1/users"
  [[ ! -e $1/server.crt ]] || tls=(--cert "$1/server.crt" --key "$1/server.key")
  ROOT_ACCESS_KEY=$(<"$1/key") ROOT_SECRET_KEY=$(<"$1/secret") \
    exec "$(program_of versitygw)" --port "127.0.0.1:$2" --region us-east-1 --health /health \
    --iam-dir "$1/users" "${tls[@]}" posix --versioning-dir "$1/versions" "$1/data"
}

start_minio() { # FOLDER PORT
  local tls=()
  mkdir -p "$1/data" "$1/certs"
  if [[ -e $1/server.crt ]]; then
    cp "$1/server.crt" "$1/certs/public.crt"
    cp "$1/server.key" "$1/certs/private.key"
    tls=(--certs-dir "$1/certs")
  fi
  MINIO_ROOT_USER=$(<"$1/key") MINIO_ROOT_PASSWORD=$(<"$1/secret") \
    exec "$(program_of minio)" server --quiet "${tls[@]}" --address "127.0.0.1:$2" \
    --console-address "127.0.0.1:$(free_port)" "$1/data"
}

# Little is asked of it: what starts soonest is best.
start_s3proxy() { # FOLDER PORT
  mkdir -p "$1/data"
  cat >"$1/properties" <<EOF_PROPERTIES
s3proxy.endpoint=http://127.0.0.1:$2
s3proxy.authorization=aws-v4
s3proxy.identity=$(<"$1/key")
s3proxy.credential=$(<"$1/secret")
jclouds.provider=filesystem-nio2
jclouds.filesystem.basedir=$1/data
EOF_PROPERTIES
  exec java -XX:TieredStopAtLevel=1 -XX:+UseSerialGC -jar "$(program_of s3proxy)" --properties "$1/properties"
}

start_toxiproxy() { # FOLDER PORT
  exec "$(program_of toxiproxy)" -host 127.0.0.1 -port "$2" -proxy-metrics
}

start_gcs() { # FOLDER PORT
  exec python3 "$(dirname "${BASH_SOURCE[0]}")/../tests/support/gcs_front.py" "$1" "$2" "$(program_of gcs)"
}

make_azure_account() { # FOLDER
  mkdir -p "$1/data"
  printf testaccount >"$1/account"
  printf 'a key of the tests, which nobody else has' | base64 -w 0 >"$1/key"
}

# It says nothing of a request without a debug log, and so has nothing to hide. Bearer tokens are
# looked at, not verified, and by TLS alone.
start_azurite() { # FOLDER PORT
  local tls=()
  make_azure_account "$1"
  [[ ! -e $1/server.crt ]] || tls=(--cert "$1/server.crt" --key "$1/server.key" --oauth basic)
  AZURITE_ACCOUNTS=$(<"$1/account"):$(<"$1/key") exec "$(program_of azurite)" --silent \
    --disableTelemetry --blobHost 127.0.0.1 --blobPort "$2" --location "$1/data" "${tls[@]}"
}

start_azure() { # FOLDER PORT
  make_azure_account "$1"
  exec python3 "$(dirname "${BASH_SOURCE[0]}")/../tests/support/azure_front.py" "$1" "$2" "$(program_of azure)"
}

cmd_start() { # NAME FOLDER [OPTION...]
  local name=$1 folder caller='' each options=()
  cmd_install "$name"
  [[ ! -e $2/pid && ! -e $2/place ]] || cmd_remove "$2"
  rm -rf "$2"
  mkdir -p "$2"
  folder=$(cd "$2" && pwd)
  for each in "${@:3}"; do
    if [[ $each == --with-caller ]]; then caller=$PPID; else options+=("$each"); fi
  done
  [[ ! $caller ]] || echo "$caller" >"$folder/caller"
  if [[ $name == postgres* ]]; then
    start_postgres "$name" "$folder" "${options[@]}"
  else
    start_store "$name" "$folder" "${options[@]}"
  fi
  end_with_caller "$folder"
}

start_store() { # NAME FOLDER [--tls]
  local scheme=http
  printf tester >"$2/key"
  printf 'secret/of+tester' >"$2/secret"
  if [[ ${3:-} == --tls ]]; then
    scheme=https
    make_certificates "$2" 2>"$2/log" || die "no certificates: $(<"$2/log")"
  fi
  # Another may have taken the port meanwhile.
  run_server "$1" "$2" "$(free_port)" "$scheme" || run_server "$1" "$2" "$(free_port)" "$scheme" ||
    die "$1 does not start"
}

# Also true of what has ended and waits for its parent to hear of it.
is_gone() { # PROCESS
  [[ ! -e /proc/$1 ]] || grep -q '^State:.Z' "/proc/$1/status" 2>/dev/null
}

# A test run that is killed stops nothing; its servers would run for ever.
end_with_caller() { # FOLDER
  [[ -e $1/caller ]] || return 0
  setsid python3 -c '
import os, select, subprocess, sys
def opened(process):
    try:
        return os.pidfd_open(int(process))
    except ProcessLookupError:
        return None
caller, server = map(opened, sys.argv[1:3])
if server is not None:
    waiting = select.poll()
    for each in filter(None, (caller, server)):
        waiting.register(each, select.POLLIN)
    if caller is None or caller in dict(waiting.poll()):
        subprocess.run(sys.argv[3:])
' "$(<"$1/caller")" "$(<"$1/pid")" "$(realpath "${BASH_SOURCE[0]}")" remove "$1" >/dev/null 2>&1 </dev/null &
}

# False, and the log is shown, if it does not start.
run_server() { # NAME FOLDER PORT SCHEME
  local attempt
  ("start_$1" "$2" "$3") >>"$2/log" 2>&1 </dev/null &
  echo $! >"$2/pid"
  for ((attempt = 0; attempt < 600; ++attempt)); do
    if answers "$3"; then
      echo "$4://127.0.0.1:$3" >"$2/endpoint"
      return
    fi
    kill -0 "$(<"$2/pid")" 2>/dev/null || break
    sleep 0.1
  done
  cmd_stop "$2"
  cat "$2/log" >&2
  return 1
}

cmd_restart() { # NAME FOLDER
  local endpoint folder
  [[ ! -e $2/pid ]] || cmd_stop "$2"
  folder=$(cd "$2" && pwd)
  endpoint=$(<"$folder/endpoint")
  if [[ $1 == postgres* ]]; then
    restart_postgres "$1" "$folder"
  else
    run_server "$1" "$folder" "${endpoint##*:}" "${endpoint%%:*}" || die "$1 does not start"
  fi
  end_with_caller "$folder"
}

cmd_crash() { # FOLDER
  local endpoint attempt
  if [[ -e $1/place ]]; then
    crash_postgres "$1"
    return
  fi
  endpoint=$(<"$1/endpoint")
  kill -9 "$(<"$1/pid")"
  for ((attempt = 0; attempt < 100; ++attempt)); do
    answers "${endpoint##*:}" || break
    sleep 0.01
  done
  rm "$1/pid"
}

cmd_stop() { # FOLDER
  local pid attempt
  if [[ -e $1/place ]]; then
    stop_postgres "$1"
    return
  fi
  pid=$(cat "$1/pid" 2>/dev/null) || return 0
  kill "$pid" 2>/dev/null || true
  for ((attempt = 0; attempt < 50; ++attempt)); do
    is_gone "$pid" && break
    sleep 0.1
  done
  kill -9 "$pid" 2>/dev/null || true
  rm -f "$1/pid"
}

cmd_remove() { # FOLDER
  cmd_stop "$1"
  [[ ! -e $1/place ]] || remove_postgres "$1"
}

(($#)) || { sed -n '2,/^$/s/^# \{0,1\}//p' "$0"; exit 2; }
command=$1
shift
case $command in
  install | program | start | restart | crash | stop | remove) "cmd_$command" "$@" ;;
  *) die "no command '$command'" ;;
esac
