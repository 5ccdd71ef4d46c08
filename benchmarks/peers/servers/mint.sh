#!/bin/sh
# Prints what `actor-oauth bench --token-command` asks for: mint.sh URL
set -eu
exec curl --silent --show-error --fail "$1/bench/$ACTOR_OAUTH_BENCH_KIND?count=$ACTOR_OAUTH_BENCH_COUNT"
