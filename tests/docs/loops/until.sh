#!/bin/sh
# The usual loop: wait until the import at the URL is complete.
printf 'Authorization: %s\n' "$LD_ACCESS_TOKEN" >auth
url=$1

until [ "$(curl -fsS --retry 5 -H @auth "$url" | jq -r .status)" = complete ]; do sleep 5; done
