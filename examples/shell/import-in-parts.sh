#!/bin/sh
# Import a list of more than a million contexts in parts, one after the other:
#
#   split -l 1000000 keys.csv part-
#   LD_ACCESS_TOKEN=api-… ./import-in-parts.sh default production big-spenders part-*
#
# An environment runs one import at a time. If another one is running (409), wait until it ends. Stop at the first
# part that fails; the exit code is watcher's, or 2 if an import was not created. Options for watcher can be set in
# the environment, such as WATCHER_TIMEOUT=2h.
{ set +x; } 2>/dev/null # a trace would show the token
set -u

if [ $# -lt 4 ]; then
  echo "usage: $0 PROJECT ENVIRONMENT SEGMENT FILE..." >&2
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
for key in "$1" "$2" "$3"; do
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
imports=$LD_BASE_URI/api/v2/segments/$1/$2/$3/imports
shift 3
# Standard input is taken by the token: curl would send an empty file. Quotes in a name could name more files.
for file; do
  case $file in
    - | /dev/stdin | /dev/fd/0 | *[\"\\]*)
      echo "The file cannot be standard input, and its name cannot contain double quotes or backslashes." >&2
      exit 2
      ;;
  esac
done

folder=$(mktemp -d) || exit 2
trap 'rm -rf "$folder"' EXIT
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

# Print the HTTP status. The token goes to curl on standard input, because every user can read arguments.
create() {
  printf 'Authorization: %s\n' "$LD_ACCESS_TOKEN" |
    curl -sS --globoff --path-as-is --proto "=$protocol" --fail-with-body --suppress-connect-headers \
      -D "$folder/headers" -o "$folder/body" -w '%{http_code}' -H @- \
      -F "file=@\"$1\"" --form-string mode=merge --url "$imports"
}

for file; do
  name=$(printf %s "$file" | LC_ALL=C tr -c 'A-Za-z0-9._/ -' '?') # safe to print
  attempts=120 # of half a minute each
  until status=$(create "$file"); do
    if [ "$status" != 409 ] || [ $((attempts -= 1)) -le 0 ]; then
      echo "$name: the import was not created (HTTP $status)" >&2
      show "$folder/body"
      exit 2
    fi
    echo "$name: another import of this environment is running; trying again in 30 s" >&2
    sleep 30
  done
  watcher "@$folder/headers" || exit
done
echo "All $# parts are imported."
