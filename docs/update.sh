#!/usr/bin/env bash
# Writes anew what the pages take from elsewhere: fences of output from runs, tables from simulations, the reference from the doc comments, and, with --pictures, the pictures.
# Bits depend on the width of vectors: outputs are those of 256 bits, whatever the machine has beyond.
set -euo pipefail
cd "$(dirname "$0")/.."
export MONGE_UPDATE=1
dotnet test tests/Monge.Cli.Tests -c Release --filter "FullyQualifiedName~OutputTests"
dotnet test tests/Monge.Tests -c Release --filter "FullyQualifiedName~ReferencePageTests|FullyQualifiedName~IntervalTableTests"
if [ "${1:-}" = --pictures ]; then
    docs/pictures.sh
fi
