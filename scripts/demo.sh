#!/usr/bin/env bash
# The main job of db-backup, shown on a real SQLite database: back up, change, back up again, verify,
# restore, compare. `scripts/dev demo` builds the program and runs this. Everything happens in a
# temporary folder, removed at the end. Needs DB_BACKUP (the program) and sqlite3.
#
# usage: DB_BACKUP=build/release/src/cli/db-backup scripts/demo.sh [ROWS]
set -euo pipefail

program=${DB_BACKUP:?set DB_BACKUP to the program}
rows=${1:-200000}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# The default repository, cache and history below the temporary folder: nothing of the user's is touched.
export XDG_DATA_HOME=$work/data XDG_CACHE_HOME=$work/cache XDG_STATE_HOME=$work/state XDG_CONFIG_HOME=$work/config
export DB_BACKUP_PASSPHRASE="only for this demo"
cd "$work"

die() { echo "demo: $*" >&2; exit 1; }
say() { printf '\n== %s\n' "$*"; }
run() { # ARGUMENT...: shows the command and its time, keeps its JSON in answer.json
  printf '$ db-backup %s\n' "$*"
  local start=${EPOCHREALTIME/[.,]/}
  "$program" "$@" --json >answer.json || { cat answer.json >&2; die "db-backup $1 failed"; }
  seconds=$(awk -v us=$((${EPOCHREALTIME/[.,]/} - start)) 'BEGIN { printf "%.2f", us / 1e6 }')
}
field() { # NAME: one value of the last answer
  sqlite3 :memory: "SELECT json_extract(readfile('answer.json'), '\$.$1')"
}
mebibytes() { awk -v b="$1" 'BEGIN { printf "%.2f MiB", b / 1048576 }'; }
report_backup() {
  printf '  %s: the database has %s, %s were added to the repository, %s s\n' "$(field mode)" \
    "$(mebibytes "$(field bytes_source)")" "$(mebibytes "$(field bytes_added)")" "$seconds"
}

say "a database of $rows orders"
sqlite3 shop.db >/dev/null <<SQL
PRAGMA journal_mode = WAL;
CREATE TABLE customer(id INTEGER PRIMARY KEY, name TEXT NOT NULL, city TEXT NOT NULL);
CREATE TABLE orders(id INTEGER PRIMARY KEY, customer INTEGER NOT NULL REFERENCES customer(id),
                    placed TEXT NOT NULL, cents INTEGER NOT NULL, note TEXT);
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows / 10)
INSERT INTO customer SELECT i, 'Customer ' || i, substr('AmsterdamBerlinChicagoDakar', 1 + i % 20, 7) FROM n;
WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < $rows)
INSERT INTO orders SELECT i, 1 + abs(random()) % ($rows / 10), datetime(1767225600 + i * 60, 'unixepoch'),
                          abs(random()) % 100000, hex(randomblob(20)) FROM n;
CREATE INDEX orders_by_customer ON orders(customer);
SQL
printf '  shop.db: %s\n' "$(mebibytes "$(stat -c %s shop.db)")"

say "the first backup is a full one, into the default repository"
run backup --type sqlite --database shop.db
report_backup
first=$(field snapshot)
sqlite3 shop.db .dump >first.sql

say "one order in a hundred changes, and some are new"
sqlite3 shop.db "UPDATE orders SET cents = cents + 1 WHERE id % 100 = 0;
  INSERT INTO orders(customer, placed, cents, note) SELECT 1, placed, 99, 'again' FROM orders LIMIT 500;"
run backup --type sqlite --database shop.db
report_backup
sqlite3 shop.db .dump >second.sql

say "every byte in the repository is read and checked"
run verify --data
printf '  no damage found, %s s\n' "$seconds"

say "both snapshots are restored and compared with what the database held"
run restore latest --to latest.db
printf '  %s were written, %s s\n' "$(mebibytes "$(field bytes_written)")" "$seconds"
run restore "$first" --to first.db
for name in latest first; do
  [[ $(sqlite3 "$name.db" "PRAGMA integrity_check") == ok ]] || die "$name.db fails SQLite's integrity check"
done
sqlite3 latest.db .dump | cmp - second.sql || die "latest.db differs from the database"
sqlite3 first.db .dump | cmp - first.sql || die "first.db differs from what the database was"
counted=$(sqlite3 latest.db "SELECT count(*) FROM orders")
printf '\nequal: both restored databases (%s orders in the newer) hold exactly what was backed up\n' "$counted"
