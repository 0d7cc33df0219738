#!/usr/bin/env bash
# Fetches the judges of exported files that are npm packages, where npm is. Tests that miss one say so.
set -euo pipefail
cd "$(dirname "$0")/.."
command -v npm >/dev/null || exit 0
for judge in gltf-validator@2.0.0-dev.3.10 3d-tiles-validator@0.6.0; do
  name=${judge%@*}
  if [ ! -d "build/judges/node_modules/$name" ] && [ ! -e "build/judges/$name.missing" ]; then
    mkdir -p build/judges
    npm install --prefix build/judges --silent --no-audit --no-fund --fetch-retries=0 --fetch-timeout=20000 "$judge" \
      >/dev/null 2>&1 || touch "build/judges/$name.missing"
  fi
done
