#!/bin/sh
# Create an import of a big segment and wait until it is final:
#
#   LD_ACCESS_TOKEN=api-… ./import-and-wait.sh keys.csv default production big-spenders --timeout 30m
#
# Further arguments are passed to watcher. IMPORT_MODE is merge (the default: add the contexts of the file) or
# replace (also remove everyone who is not in the file). The exit code is watcher's, or 2 if the import was not
# created.
{ set +x; } 2>/dev/null # a trace would show the token
set -u

if [ $# -lt 4 ]; then
  echo "usage: $0 FILE PROJECT ENVIRONMENT SEGMENT [OPTION]..." >&2
  exit 2
fi
: "${LD_ACCESS_TOKEN:?set it to an access token that may write the segment}"
if ! command -v watcher >/dev/null; then
  echo "watcher is not on the PATH. Install it, or activate its virtual environment." >&2
  exit 2
fi
: "${LD_BASE_URI:=https://app.launchdarkly.com}"
export LD_ACCESS_TOKEN LD_BASE_URI
# Other characters would change the path.
for key in "$2" "$3" "$4"; do
  case $key in
    '' | . | .. | *[!A-Za-z0-9._-]*)
      echo "A key has characters other than letters, digits, '.', '_' and '-'." >&2
      exit 2
      ;;
  esac
done
protocol=https # plain http only for the simulator
case $LD_BASE_URI in
  http://127.0.0.1:*[!0-9]*) ;;
  http://127.0.0.1:*) protocol=http ;;
esac
file=$1
name=$(printf %s "$1" | LC_ALL=C tr -c 'A-Za-z0-9._/ -' '?') # safe to print
imports=$LD_BASE_URI/api/v2/segments/$2/$3/$4/imports
shift 4
# Standard input is taken by the token: curl would send an empty file. Quotes in a name could name more files.
case $file in
  - | /dev/stdin | /dev/fd/0 | *[\"\\]*)
    echo "The file cannot be standard input, and its name cannot contain double quotes or backslashes." >&2
    exit 2
    ;;
esac

folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
headers=$folder/headers
: >"$folder/body"
trap 'exit 130' INT
trap 'exit 143' TERM

# Print a file of text from outside without control characters, tokens and commands for the CI service that shows
# the log. The bytes are control characters of 8 bits and of the direction of text, in UTF-8.
controls=$(printf '\302[\200-\237]|\342\200[\216\217\252-\256]|\342\201[\246-\251]')
token='[Aa][Pp][Ii]-[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}'
show() {
  LC_ALL=C tr -d '\000-\010\013-\037\177' <"$1" |
    LC_ALL=C sed -E "s/$controls/?/g; s/$token/***/g; s/##/#-/g; s/::/:-/g" >&2
}

# The token goes to curl on standard input, because every user of the machine can read arguments.
if ! printf 'Authorization: %s\n' "$LD_ACCESS_TOKEN" |
  curl -sS --globoff --path-as-is --proto "=$protocol" --fail-with-body --suppress-connect-headers \
    -D "$headers" -o "$folder/body" -H @- -F "file=@\"$file\"" --form-string mode="${IMPORT_MODE:-merge}" --url "$imports"; then
  show "$folder/body"
  echo >&2
  echo "The import was not created; curl or LaunchDarkly gave the reason above." >&2
  exit 2
fi

# The import exists from here on: its ID must not be lost, whatever happens next.
sed -n 's/^[Ll]ocation: */Created /p' "$headers" >"$folder/body"
show "$folder/body"

watcher "@$headers" "$@"
code=$?

case $code in
  0) echo "The segment is in place." ;;
  2) echo "The import was created and runs, but watcher's options are wrong: watch it again." >&2 ;;
  3) echo "LaunchDarkly stopped the import: check $name." >&2 ;;
  4) echo "The token may create the import but not read it." >&2 ;;
  7) echo "The import waits until somebody approves and applies the change; then watch it again." >&2 ;;
  8) echo "The import is not final yet: check again later." >&2 ;;
  75) echo "LaunchDarkly did not respond; the import is not affected." >&2 ;;
  124) echo "The import is not final in time; it is not affected." >&2 ;;
  130 | 143) echo "Interrupted; the import is not affected." >&2 ;;
  *) echo "The reason is above; the import was created." >&2 ;;
esac
exit "$code"
