#!/usr/bin/env bash
# Makes the pictures of README and docs: runs monge and copies the images of its reports.
set -euo pipefail
cd "$(dirname "$0")/.."
runs="$(mktemp -d)"
trap 'rm -rf "$runs"' EXIT
monge() { dotnet run -c Release --project src/Monge.Cli -- "$@"; }

mkdir -p docs/pictures
for target in gmm9 eight-schools; do
    monge sample "$target" --seed 1 --iterations 600 --out "$runs/$target"
    cp "$runs/$target/picture.png" "docs/pictures/$target.png"
done
