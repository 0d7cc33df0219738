#!/usr/bin/env bash
# Sets everything up: uv, Python packages, and the few system libraries Qt and VTK need on Linux.
# Safe to run again; does nothing where nothing is missing. Prints the uv to use as its last line.
set -euo pipefail
cd "$(dirname "$0")/.."
say() { printf '%s\n' "$*" >&2; }

as_root() {
  if [ "$(id -u)" = 0 ]; then "$@"; elif command -v sudo >/dev/null && sudo -n true 2>/dev/null; then sudo "$@"; else return 1; fi
}

if [ "$(uname -s)" = Linux ] && command -v apt-get >/dev/null; then
  missing=()
  for pair in libEGL.so.1:libegl1 libGL.so.1:libgl1 libOSMesa.so.8:libosmesa6 libxcb-cursor.so.0:libxcb-cursor0 \
              libxkbcommon-x11.so.0:libxkbcommon-x11-0 libdbus-1.so.3:libdbus-1-3 libfontconfig.so.1:libfontconfig1 \
              libxcb-icccm.so.4:libxcb-icccm4 libxcb-keysyms.so.1:libxcb-keysyms1 libxcb-shape.so.0:libxcb-shape0; do
    ldconfig -p 2>/dev/null | grep -q "${pair%%:*}" || missing+=("${pair##*:}")
  done
  command -v Xvfb >/dev/null || missing+=(xvfb)
  fc-list 2>/dev/null | grep -q . || missing+=(fontconfig fonts-dejavu-core)
  if [ ${#missing[@]} -gt 0 ]; then
    say "Installing system libraries: ${missing[*]}"
    if ! { as_root apt-get update -qq && as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq "${missing[@]}"; } >&2; then
      say "They could not be installed from here. Ask your administrator for: apt-get install ${missing[*]}"
    fi
  fi
fi

if command -v uv >/dev/null; then
  UV=$(command -v uv)
else
  UV=$PWD/build/uv/bin/uv
  if [ ! -x "$UV" ]; then
    python=$(command -v python3 || command -v python) || { say "Python 3.11 to 3.13 is needed."; exit 1; }
    say "Fetching uv, which installs the Python packages"
    if ! "$python" -m venv build/uv >&2; then
      as_root apt-get install -y -qq python3-venv >&2 && "$python" -m venv build/uv >&2
    fi
    build/uv/bin/python -m pip install --quiet uv >&2
  fi
fi
"$UV" sync --frozen --all-groups --quiet
printf '%s\n' "$UV"
