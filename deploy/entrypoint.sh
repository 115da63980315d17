#!/bin/sh
# Runs the command given, else the service the image was built for.
set -eu
# what the image brings compiled is put where it may be added to: the image itself is read-only
if [ ! -d "$NUMBA_CACHE_DIR" ]; then cp -rp /opt/sealwright/compiled "$NUMBA_CACHE_DIR"; fi
if [ $# -gt 0 ]; then exec "$@"; fi
exec "sealwright-$SERVICE"
