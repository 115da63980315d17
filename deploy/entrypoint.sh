#!/bin/sh
# Runs the command given, else the service the image was built for.
set -eu
if [ $# -gt 0 ]; then exec "$@"; fi
exec "sealwright-$SERVICE"
