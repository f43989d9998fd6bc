#!/usr/bin/env bash
# Fifteen lines: every fault is retried, a stopped import ends the loop, and so does a timeout.
printf 'Authorization: %s\n' "$LD_ACCESS_TOKEN" >auth
url=$1
deadline=$((SECONDS + ${TIMEOUT:-3600}))

while ((SECONDS < deadline)); do
  status=$(curl -fsS --max-time 10 -H @auth "$url" | jq -r .status)
  case $status in
    complete) exit 0 ;;
    stopped) echo "stopped" >&2 && exit 1 ;;
  esac
  sleep 5
done
echo "timed out; last status: ${status:-none}" >&2
exit 124
