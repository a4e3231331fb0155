"""With "batch": true: the answers of a group, ranked by length; the shortest gets 1, the longest 0."""
import json
import sys


def score(samples):
    lengths = [sample["completion_tokens"] for sample in samples]
    low, high = min(lengths), max(lengths)
    return [1.0 if high == low else (high - length) / (high - low) for length in lengths]


print(json.dumps({"ready": True}), flush=True)
for line in sys.stdin:
    print(json.dumps(score(json.loads(line)["batch"])), flush=True)
