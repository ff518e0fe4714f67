# pgBackRest for the benchmarks: read by scripts/servers.sh. No server, but wanted in the version of several
# releases of Debian, as PostgreSQL is, and unpacked like that.
# shellcheck shell=bash

pgbackrest_cache=${cache:?set by scripts/servers.sh}

pgbackrest_suite() { # NAME
  case $1 in
    pgbackrest12) echo bookworm ;;
    pgbackrest14) echo forky ;;
    *) die "no program '$1'" ;;
  esac
}

pgbackrest_program() { echo "$pgbackrest_cache/$1/bin/pgbackrest"; } # NAME

install_pgbackrest() { # NAME
  (
    flock 9
    [[ ! -x $(pgbackrest_program "$1") ]] || exit 0
    folder=$(mktemp -d)
    trap 'rm -rf "$folder"' EXIT
    if ! unpack_pgbackrest "$1" "$folder" >"$folder/log" 2>&1; then
      tail -n 20 "$folder/log" >&2
      die "cannot install $1"
    fi
    "$folder/root/bin/pgbackrest" version >&2 || die "$1 does not run here"
    rm -rf "${pgbackrest_cache:?}/$1"
    mv "$folder/root" "$pgbackrest_cache/$1"
  ) 9>"$pgbackrest_cache/$1.lock"
}

# With libraries, and nothing else of what its package names.
unpack_pgbackrest() { # NAME FOLDER
  local each root=$2/root
  download_debian "$(pgbackrest_suite "$1")" "$2" '[^lp].*|p[^g].*|lib(perl|llvm|db5).*' pgbackrest || return
  mkdir -p "$root/lib"
  for each in "$2/debs"/*.deb; do
    dpkg-deb -x "$each" "$root" || return
  done
  (cd "$root" && rm -rf usr/share usr/lib/*/{gconv,perl,perl5,security} usr/lib/systemd sbin usr/sbin etc var) || return
  # Newer releases have a link there.
  rm -rf "${root:?}/bin" && mkdir "$root/bin" && wrap_program "$root" "$root/usr/bin/pgbackrest" "$root/bin/pgbackrest" /bin
}
