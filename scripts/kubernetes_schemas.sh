#!/usr/bin/env bash
# The schemas of Kubernetes' API, for the tests of what `schedule export` writes: fetched once, at a
# pinned version, into a cache folder.
#
# usage: scripts/kubernetes_schemas.sh           prints the folder
#
# Environment:
#   DB_BACKUP_SERVERS    the cache folder (default: ~/.cache/db-backup-dev/servers)
set -euo pipefail

readonly VERSION=1.37.0
cache=${DB_BACKUP_SERVERS:-${XDG_CACHE_HOME:-$HOME/.cache}/db-backup-dev/servers}
folder=$cache/kubernetes-schemas-$VERSION

if [[ ! -d $folder ]]; then
  mkdir -p "$cache"
  made=$(mktemp -d "$cache/making-XXXXXX")
  trap 'rm -rf "$made"' EXIT
  if ! python3 -m pip download -q --no-deps -d "$made" "kubernetes-validate==$VERSION" >"$made/log" 2>&1; then
    tail -n 20 "$made/log" >&2
    exit 1
  fi
  unzip -q "$made"/*.whl "kubernetes_validate/kubernetes-json-schema/v$VERSION-local-strict/*" -d "$made"
  # Another may have been quicker.
  mv -T "$made/kubernetes_validate/kubernetes-json-schema/v$VERSION-local-strict" "$folder" 2>/dev/null || [[ -d $folder ]]
fi
echo "$folder"
