#!/usr/bin/env bash
# The careful loop: every failed command ends it, and it knows that an import can be stopped.
set -euo pipefail
printf 'Authorization: %s\n' "$LD_ACCESS_TOKEN" >auth
url=$1

while true; do
  status=$(curl -fsS --retry 5 -H @auth "$url" | jq -r .status)
  case $status in
    complete) exit 0 ;;
    stopped) exit 1 ;;
  esac
  sleep 5
done
