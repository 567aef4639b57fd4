#!/usr/bin/env bash
# Makes the pictures of README and docs: runs monge and copies the images of its reports.
set -euo pipefail
cd "$(dirname "$0")/.."
runs="$(mktemp -d)"
trap 'rm -rf "$runs"' EXIT
monge() { dotnet run -c Release --project src/Monge.Cli -- "$@"; }

mkdir -p docs/pictures
monge sample gmm9 --seed 1 --iterations 600 --out "$runs/gmm9"
cp "$runs/gmm9/picture.png" docs/pictures/gmm9.png

# A checkerboard: every second of sixteen squares, 5,000 rows by the generator of Park and Miller, so that they are the same everywhere.
awk 'function uniform() { s = (s * 16807) % 2147483647; return s / 2147483647 }
     BEGIN {
       s = 1
       print "x,y"
       while (n < 5000) {
         x = 8 * uniform() - 4; y = 8 * uniform() - 4
         if ((int(x / 2 + 8) + int(y / 2 + 8)) % 2 == 0) { printf "%.5f,%.5f\n", x, y; n++ }
       }
     }' > "$runs/checkerboard.csv"
monge fit "$runs/checkerboard.csv" --seed 1 --iterations 6000 --out "$runs/checkerboard.safetensors"
cp "$runs/checkerboard-report/picture.png" docs/pictures/checkerboard.png
