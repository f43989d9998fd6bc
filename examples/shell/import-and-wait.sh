#!/bin/sh
# Create an import of a big segment and wait until it is final:
#
#   LD_ACCESS_TOKEN=api-… ./import-and-wait.sh keys.csv default production big-spenders --timeout 30m
#
# Further arguments are passed to watcher. IMPORT_MODE is merge (the default) or replace. The exit code is
# watcher's, or 2 if the import was not created.
set -u

if [ $# -lt 4 ]; then
  echo "usage: $0 FILE PROJECT ENVIRONMENT SEGMENT [OPTION]..." >&2
  exit 2
fi
: "${LD_ACCESS_TOKEN:?set it to an access token that may write the segment}"
: "${LD_BASE_URI:=https://app.launchdarkly.com}"
export LD_ACCESS_TOKEN LD_BASE_URI
file=$1
imports=$LD_BASE_URI/api/v2/segments/$2/$3/$4/imports
shift 4

headers=$(mktemp) || exit 2
trap 'rm -f "$headers"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM

# The token goes to curl on standard input, because every user of the machine can read arguments.
if ! printf 'Authorization: %s\n' "$LD_ACCESS_TOKEN" |
  curl -sS --fail-with-body --suppress-connect-headers -D "$headers" -H @- \
    -F "file=@\"$file\"" -F mode="${IMPORT_MODE:-merge}" "$imports" >&2; then
  echo "The import was not created; curl or LaunchDarkly gave the reason above." >&2
  exit 2
fi

watcher "@$headers" "$@"
code=$?

case $code in
  0) echo "The segment is in place." ;;
  2) echo "The import was created, but watcher's options are wrong." >&2 ;;
  3) echo "LaunchDarkly stopped the import: check $file." >&2 ;;
  4) echo "The token may create the import but not read it." >&2 ;;
  7) echo "The import waits for an approval: have it approved and applied, then watch it again." >&2 ;;
  8) echo "The import is still running: check again later." >&2 ;;
  75) echo "LaunchDarkly did not respond. The import continues." >&2 ;;
  124) echo "The import takes too long; it continues without us." >&2 ;;
  130 | 143) echo "Interrupted; the import continues without us." >&2 ;;
  *) echo "The reason is above." >&2 ;;
esac
exit "$code"
