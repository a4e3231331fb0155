"""Right when the text behind the last "=" is the gold answer; a little off for long answers."""
import json
import sys

print(json.dumps({"ready": True}), flush=True)  # may be left out; what comes before it is the start
for line in sys.stdin:
    sample = json.loads(line)
    said = sample["completion"].replace("</answer>", "").split("=")[-1].split(">")[-1].strip()
    right = said == sample["answer"]
    reward = (1.0 if right else 0.0) - 0.001 * sample["completion_tokens"]
    reply = {"id": sample["id"], "reward": reward, "verdict": "right" if right else "wrong", "answer": said}
    print(json.dumps(reply), flush=True)
