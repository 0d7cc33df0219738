#!/usr/bin/env bash
# Runs a command on a screen: a virtual one on Linux, whatever is there elsewhere.
set -euo pipefail
if [ "$(uname -s)" = Linux ]; then
  exec xvfb-run -a -s "-screen 0 1600x1000x24" env -u WAYLAND_DISPLAY QT_QPA_PLATFORM=xcb "$@"
fi
exec "$@"
