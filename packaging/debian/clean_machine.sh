#!/bin/bash
# What packaging/debian/test.sh does with the package on a machine that has nothing else: as root, and
# without systemd. /package holds the package, /shared how to reach a PostgreSQL server, and the page that
# tells people how to install it, whose commands are run as they stand there.
set -euo pipefail
scheduler=''

fail() { echo "clean_machine: $*" >&2; exit 1; }
as_service() { setpriv --reuid=db-backup --regid=db-backup --init-groups env -C / HOME=/var/lib/db-backup "$@"; }

install_package() {
  apt-get install -q -y -o Dpkg::Use-Pty=0 "$@" /package/*.deb >/tmp/log 2>&1 || { cat /tmp/log; fail "cannot install"; }
}

purge_package() {
  apt-get purge -q -y -o Dpkg::Use-Pty=0 db-backup >/tmp/log 2>&1 || { cat /tmp/log; fail "cannot purge"; }
}

# What is called db-backup or belongs to its user, without what lies below FOLDER... (dpkg-db-backup is dpkg's.)
left_over() { # FOLDER...
  local without=() each
  for each; do without+=(-o -path "$each"); done
  find / -xdev \( -path /proc -o -path /shared -o -path /package -o -path /var/cache/apt "${without[@]}" \) -prune -o \
    -not -name '*dpkg-db-backup*' \( -name '*db-backup*' -o -user db-backup -o -group db-backup \) -print
}

prepare() {
  rm /etc/dpkg/dpkg.cfg.d/* # which leave out manuals
  export DEBIAN_FRONTEND=noninteractive
  echo 'APT::Get::Assume-Yes "true";' >/etc/apt/apt.conf.d/yes
  { apt-get update -q && apt-get install -q --no-install-recommends sqlite3; } >/tmp/log 2>&1 || { cat /tmp/log; fail "no packages"; }
  sqlite3 /var/lib/small.db "CREATE TABLE t(a, b); WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 5000) INSERT INTO t SELECT i, hex(randomblob(20)) FROM n"
  chmod 644 /var/lib/small.db
}

check_installation() {
  echo "-- installed: $(db-backup --version)"
  local file
  while read -r file; do [[ -e $file ]] || fail "$file is not there"; done < <(dpkg-query -L db-backup)
  [[ $(stat -c '%U:%G %a' /etc/db-backup/config.yaml) == "root:db-backup 640" ]] || fail "rights of the configuration"
  [[ $(stat -c '%U %a' /var/lib/db-backup /var/backups/db-backup | sort -u) == "db-backup 700" ]] || fail "rights of folders"
  as_service db-backup config validate
  # Who may not read the machine's configuration works without it.
  setpriv --reuid=nobody --regid=nogroup --clear-groups env HOME=/nonexistent db-backup config validate
  # shellcheck disable=SC1091 # of the package
  (source /usr/share/bash-completion/completions/db-backup && COMP_WORDS=(db-backup resto) COMP_CWORD=1 &&
    _db_backup && [[ ${COMPREPLY[*]} == restore ]]) || fail "no completion"
}

# --- what the page's commands need -------------------------------------------------------------------

sudo() {
  if [[ $1 == -u ]]; then
    shift 2
    as_service "$@"
  else
    "$@"
  fi
}

# Somebody writes the passphrase and the configuration.
editor() { # PASSPHRASE-FILE CONFIGURATION
  echo 'a long passphrase' >"$1"
  install -o db-backup -m 600 /shared/password /etc/db-backup/shop.password
  install -o db-backup -m 600 /shared/pgpass /tmp/pgpass
  cat >"$2" <<EOF
version: 1
repositories:
  main: {url: /var/backups/db-backup/main, encryption: passphrase, passphrase_file: /etc/db-backup/passphrase}
sources:
  small: {type: sqlite, database: /var/lib/small.db, repository: main}
  shop: {type: postgres, uri: "$(sed 's,/postgres$,/shop,' /shared/endpoint)", password_file: /etc/db-backup/shop.password, repository: main}
schedules:
  often: {source: small, rpo: 1h}
  nightly: {source: shop, cron: "H 2 * * *"}
EOF
}

# As systemd would start it, but for the sandbox.
systemctl() {
  [[ $* == "enable --now db-backup" ]] || fail "systemctl $*"
  mkdir -p /etc/systemd/system/multi-user.target.wants
  ln -s /lib/systemd/system/db-backup.service /etc/systemd/system/multi-user.target.wants
  local command
  command=$(sed -n 's/^ExecStart=//p' /lib/systemd/system/db-backup.service)
  # shellcheck disable=SC2086 # words of a command
  as_service $command &
  scheduler=$!
}

run_page() {
  sed -n '/^## Debian package$/,/^## Container$/p' /shared/install.md | awk '/^```$/ { ++fences; next } fences == 1' >/tmp/commands
  grep -q '^sudo apt install' /tmp/commands || fail "the page has no commands"
  cat /tmp/commands
  cd /package
  # shellcheck disable=SC1091 # of the page
  source /tmp/commands
  cd /
}

# --- the test ----------------------------------------------------------------------------------------

back_up_and_restore() {
  as_service db-backup backup --source small
  as_service db-backup restore latest --source small --to /var/lib/db-backup/restored.db --verify
  cmp <(sqlite3 /var/lib/small.db .dump) <(sqlite3 /var/lib/db-backup/restored.db .dump) || fail "SQLite: another database was restored"
  rm /var/lib/db-backup/restored.db
  as_service db-backup schedule run nightly
  local restored
  restored=$(sed 's,/postgres$,/restored,' /shared/endpoint)
  as_service env PGPASSFILE=/tmp/pgpass db-backup restore latest --source shop --to "$restored" --verify
  [[ $(PGPASSFILE=/tmp/pgpass psql -XAt -d "$restored" -c 'SELECT count(*) FROM orders') == 5000 ]] || fail "PostgreSQL: rows are missing"
}

watch_service() {
  local rounds status=0
  for ((rounds = 0; rounds < 300; ++rounds)); do
    if as_service db-backup schedule list often 2>/dev/null | grep -q succeeded; then break; fi
    kill -0 "$scheduler" || fail "the scheduler has ended"
    sleep 0.1
  done
  as_service db-backup schedule list
  ((rounds < 300)) || fail "no job has run"
  as_service db-backup schedule stop
  wait "$scheduler" || status=$?
  [[ $status == 0 || $status == 130 ]] || fail "the scheduler ended with $status"
  [[ -s /var/log/db-backup/db-backup.log ]] || fail "no log"
}

check_purge() {
  echo "-- purging"
  as_service sh -c 'echo "as precious as the backups" >~/offsite.key'
  purge_package
  local left
  left=$(left_over '/var/backups/db-backup/*' | sort | xargs)
  [[ $left == "/etc/db-backup /etc/db-backup/passphrase /etc/db-backup/shop.password /tmp/pgpass /var/backups/db-backup /var/lib/db-backup /var/lib/db-backup/offsite.key" ]] ||
    fail "the purge left: $left"
  install_package
  check_installation
  DB_BACKUP_PASSPHRASE_FILE=/etc/db-backup/passphrase db-backup restore latest --source small \
    --repository /var/backups/db-backup/main --to /tmp/after.db --quiet
  cmp <(sqlite3 /var/lib/small.db .dump) <(sqlite3 /tmp/after.db .dump) || fail "the repository has suffered"
  rm -rf ~/.local ~/.cache
  echo "-- purging once more, without anything to keep"
  rm -r /var/backups/db-backup/main /etc/db-backup/passphrase /etc/db-backup/shop.password /tmp/pgpass /var/lib/db-backup/offsite.key
  purge_package
  [[ -z $(left_over) ]] || fail "the purge left: $(left_over | xargs)"
}

prepare
run_page
back_up_and_restore
watch_service
echo "-- upgrading to the same version"
install_package --reinstall
grep -q nightly /etc/db-backup/config.yaml || fail "the configuration was replaced"
check_purge
