#!/usr/bin/env bash
# check_run.sh RUN: a finished run has all its files, and sampler and trainer agreed bit for bit.
set -euo pipefail
cd "$1"
status=0
for file in run.db recipe.resolved.json metrics.jsonl summary.json report.html final/config.json final/model.safetensors \
  final/tokenizer.json; do
  [[ -s $file ]] || { echo "missing: $1/$file"; status=1; }
done
grep -qE '"logp_mismatch_max": *0(\.0)?[,} ]*$|"logp_mismatch_max": *0(\.0)?[,}]' summary.json || {
  echo "logp_mismatch_max is not 0 in $1/summary.json"
  status=1
}
exit $status
