"""A plug-in reward for cases: judge.py KIND [ARGUMENT]; one JSON object a line in, one out."""
import json
import sys

kind = sys.argv[1]
argument = sys.argv[2] if len(sys.argv) > 2 else ""
if kind == "dead":
    sys.exit("judge.py: nothing to judge with")
for line in sys.stdin:
    sample = json.loads(line)
    length = len(sample["completion"])
    answer = {"id": sample["id"], "reward": 0.0, "verdict": "wrong"}
    if kind == "const":  # always the same reward
        answer["reward"] = float(argument)
    elif kind == "length":  # characters mod 7: spread in every group
        answer.update(reward=float(length % 7), verdict="right" if length % 2 else "wrong")
    elif kind == "half":  # judges completions of even length only
        answer = answer | {"reward": 1.0, "verdict": "right"} if length % 2 == 0 else {"id": sample["id"], "error": "odd"}
    elif kind == "broken":  # never a verdict
        answer = {"id": sample["id"], "error": "no verdict from me"}
    elif kind == "null":  # nothing to say of any sample
        answer["reward"] = None
    elif kind == "row":  # the row's column `argument` must be there
        answer.update(reward=1.0, verdict="right") if argument in sample.get("extra", {}) else None
    elif kind == "word":  # another key than the protocol's
        answer = {"id": sample["id"], "score": 1.0}
    print(json.dumps(answer), flush=True)
