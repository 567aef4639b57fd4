#!/usr/bin/env bash
# Times one case on Monge and on the PyTorch peer in turns (A B A B A B), so that a change of the machine's speed meets both,
# and prints the medians and their ratio.
#
#   bench/alternate.sh regression --batch 4096 --width 256 --depth 4
#   PYTHON=/usr/bin/python3 ROUNDS=5 bench/alternate.sh langevin --batch 16384 --dim 10 --steps 200
set -euo pipefail
cd "$(dirname "$0")/.."
python="${PYTHON:-python3}"
rounds="${ROUNDS:-3}"
unset OPENBLAS_CORETYPE OPENBLAS_L2_SIZE

dotnet build src/Monge.Cli -c Release --nologo -v quiet
ours="$(mktemp)"
theirs="$(mktemp)"
trap 'rm -f "$ours" "$theirs"' EXIT
for ((round = 1; round <= rounds; round++)); do
    dotnet src/Monge.Cli/bin/Release/net10.0/monge.dll bench "$@" --json | tee -a "$ours"
    "$python" bench/torch_peer.py "$@" | tee -a "$theirs"
done

"$python" - "$ours" "$theirs" <<'PYTHON'
import json
import statistics
import sys

ours, theirs = ([json.loads(line)["median_ms"] for line in open(path)] for path in sys.argv[1:])
a, b = statistics.median(ours), statistics.median(theirs)
print(f"monge {a:.3f} ms, torch {b:.3f} ms: {b / a:.2f} times as fast")
PYTHON
