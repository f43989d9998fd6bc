#!/bin/sh
# Creates an import of a big segment and waits for its end:
#
#   LD_ACCESS_TOKEN=api-… ./import-and-wait.sh keys.csv default production big-spenders --timeout 30m
#
# What follows the segment goes to watcher. IMPORT_MODE is merge, or replace. The exit code is watcher's.
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

# The token goes to curl's standard input, for arguments are public. Where curl fails, or the API refuses, both
# say why on standard error, and watcher ends with 2.
# `3>&1 >&2` gives curl the pipe as 3, for the headers, and standard error as its output, for the body: a file
# that is standard error is not opened again, which would empty it.
printf 'header = "Authorization: %s"\n' "$LD_ACCESS_TOKEN" |
  curl -sS --config - -D /dev/fd/3 -F "file=@\"$file\"" -F mode="${IMPORT_MODE:-merge}" "$imports" 3>&1 >&2 |
  python3 -m watcher - "$@"
code=$?

case $code in
  0) echo "The segment is in place." ;;
  2) echo "The import was not created, or it was and an option is wrong: then the line above names it." >&2 ;;
  3) echo "LaunchDarkly stopped the import: check $file." >&2 ;;
  4) echo "The token may create the import but not read it." >&2 ;;
  7) echo "The import waits for an approval: have it approved, then watch it again." >&2 ;;
  8) echo "The import goes on: look again later." >&2 ;;
  75) echo "LaunchDarkly gives no answer; the import goes on by itself." >&2 ;;
  124) echo "It takes too long; the import goes on by itself." >&2 ;;
  130 | 143) echo "Interrupted; the import goes on by itself." >&2 ;;
  *) echo "See above." >&2 ;;
esac
exit "$code"
