#!/usr/bin/env python3
"""Random recipes: any legal choice of the schema at smoke size, as `posttrain schema` describes it today.

    tests/recipes/random_recipes.py build/posttrain build/libposttrain_faults.so --count 2000
    tests/recipes/random_recipes.py build/posttrain build/libposttrain_faults.so --seconds 60 --seed 1

Each recipe is run whole. It ends with rc 0, or is refused with rc 2 and a reason, or ends with rc 1 where its data hold
nothing to learn from; anything else is a fault. One that ended well is run again and killed at a random operation on its
files, resumed, and must give the same bytes; no sample may be `failed` unless a model judges. Then one key gets another
legal value: a limit must change nothing of the model, any other key must change something or be refused; keys that never
did, over all recipes, are listed at the end. Faults are told with their recipe; rc 1 when there was one.
"""
import argparse
import copy
import hashlib
import json
import os
import pathlib
import random
import re
import sqlite3
import subprocess
import sys
import tempfile
import time

TASK = {"type": "chain", "min_steps": 2, "max_steps": 2,
        "mix": {"facts": 0, "guess": 0.7, "broken": 0.3, "sloppy": 0, "steps": 0, "repaired": 0, "broken_steps": 0}}
ARCH = {"hidden": 16, "layers": 2, "heads": 2, "mlp": 32, "max_positions": 96, "rope_theta": 1000}
BASE = {"model": {"arch": ARCH}, "task": TASK, "rewards": [{"type": "exact"}],
        "stages": [{"name": "base", "type": "sft", "data": [{"documents": 1500}], "steps": 200, "rows_per_step": 8,
                    "row_tokens": 96, "training": {"lr": 0.01, "warmup_steps": 5, "schedule": "cosine"}}]}

# Smoke size: what the schema allows up to millions. Keys that are not here get their default, its half and double, and
# the ends of their range, so that a new key is tried by itself.
SMALL = {
    "steps": [1, 2, 3], "epochs": [1, 2], "rows_per_step": [1, 2, 4], "row_tokens": [32, 64], "documents": [20, 60],
    "prompts_per_step": [2, 3, 4], "samples_per_prompt": [2, 3, 4], "pairs_per_step": [2, 4], "prompts": [6, 12],
    "keep_per_prompt": [1, 2], "pairs_per_prompt": [1, 2], "max_new_tokens": [6, 12, 20], "problems": [2, 3],
    "samples": [1, 2], "transcripts": [0, 2], "every_steps": [0, 1, 2], "save_every_steps": [0, 1, 2], "attempts": [2, 4],
    "width": [1, 2], "minibatches": [1, 2], "max_rounds": [1, 2], "votes": [1, 2], "rank": [1, 2], "top_k": [0, 3, 8],
    "max_sequences": [1, 3, 256], "prefill_tokens": [3, 64, 2048], "cache_blocks": [0, 8], "micro_batch_tokens": [32, 8192],
    "lr": [0.001, 0.003], "warmup_steps": [0, 1], "threads": [1, 2], "second_attempts": [0], "reference_refresh_steps": [0, 1],
    "temperature": [0.7, 1.0, 1.3], "max_grad_norm": [0.5, 1.0], "share": [0, 0.5], "max_tokens": [0, 12],
    "cache_tokens": [4, 8], "samples_per_step": [0, 4], "neftune_alpha": [0, 5], "beta1": [0.8, 0.9], "beta2": [0.9, 0.99],
    "eps": [1e-8, 1e-6], "min_reward": [0, 0.5], "seed": [1, 2, 3], "ngram": [1, 3], "best_grade": [9], "alpha": [2, 8],
}
# What must not change the model; `save_every_steps` does under staleness, where a checkpoint draws fresh.
LIMITS = {"threads", "micro_batch_tokens", "max_sequences", "prefill_tokens", "cache_blocks", "recompute",
          "samples_per_step", "transcripts", "name", "description"}
LEFT_OUT = {"type", "name", "from", "model", "path", "stage", "teacher", "teacher_path", "candidates", "data", "pairs",
            "role", "stop", "prompt", "first", "second", "model_rewards", "judge", "description", "dtype", "targets"}
REWARDS = ["exact", "format", "pattern", "tag_count", "language", "overlong", "cosine", "kimi_length", "repetition", "math"]
NOTHING_TO_LEARN = ("no answer to learn from", "no pair to learn from", "nothing to learn", "every reward of step")
JUDGE = {"mode": "grade", "prompt": "{answer}{prompt}", "best_grade": 9, "votes": 4, "sampling": {"max_new_tokens": 16}}


def by_type(schema, kind):
    """The properties of an object that its key `type` selects."""
    for rule in schema.get("allOf", []):
        if rule["if"]["properties"]["type"]["const"] == kind:
            return rule["then"]["properties"]
    raise KeyError(kind)


def plain(schema):
    """A key's schema without the way out for ${variables} and null."""
    for one in schema.get("anyOf", []):
        if one.get("enum") or one.get("type") == "object":
            return {**schema, **one}
    return schema


def value_of(key, schema, rng):
    """A legal value, or None where only a person could make one up."""
    schema = plain(schema)
    kinds = schema.get("type", [])
    kinds = [kinds] if isinstance(kinds, str) else kinds
    if "enum" in schema:
        return rng.choice(schema["enum"])
    if "boolean" in kinds:
        return rng.random() < 0.5
    if not {"integer", "number"} & set(kinds):
        return None
    low, high, default = schema.get("minimum"), schema.get("maximum"), schema.get("default", 1)
    values = list(SMALL.get(key, [default, default / 2, default * 2] + [v for v in (low, high) if v is not None and abs(v) < 100]))
    values = [v for v in values if (low is None or v >= low) and (high is None or v <= high)]
    value = rng.choice(values or [default])
    return int(value) if "integer" in kinds else value


def fill(properties, rng, share, depth=0):
    """Random values for a share of an object's keys."""
    out = {}
    for key, schema in properties.items():
        if key in LEFT_OUT or rng.random() > share:
            continue
        inner = plain(schema)
        if inner.get("type") == "object" and "properties" in inner:
            if depth < 2:
                out[key] = fill(inner["properties"], rng, share, depth + 1)
        else:
            value = value_of(key, schema, rng)
            if value is not None:
                out[key] = value
    return out


class Recipes:
    def __init__(self, schema, base):
        self.stage = schema["properties"]["stages"]["items"]
        self.reward = schema["properties"]["rewards"]["items"]
        self.base = base

    def smoke(self, kind, stage):
        """What a stage needs to be small, under what was drawn."""
        small = {"max_new_tokens": 12}
        sizes = {
            "sft": {"steps": 2, "rows_per_step": 2, "row_tokens": 64}, "dpo": {"steps": 2, "pairs_per_step": 2},
            "grpo": {"steps": 2, "prompts_per_step": 3, "samples_per_prompt": 3}, "reject": {"prompts": 12, "pairs_per_prompt": 2},
            "distill": {"steps": 2, "prompts_per_step": 2}, "reward_model": {"steps": 2, "pairs_per_step": 2},
            "judge": {"prompts": 12}, "eval": {"problems": 2, "samples": 2}, "search": {"problems": 2, "attempts": 2, "width": 2},
            "export": {}}[kind]
        out = {**sizes, **stage}
        properties = by_type(self.stage, kind)
        if "sampling" in properties:
            out["sampling"] = {**small, **out.get("sampling", {})}
        if "training" in properties:
            out["training"] = {"lr": 0.002, **out.get("training", {})}
        if out.get("eval", {}).get("every_steps"):
            out["eval"] = {"problems": 2, "samples": 1, **out["eval"]}
            out["eval"]["sampling"] = {**small, **out["eval"].get("sampling", {})}
        elif out.get("eval"):
            del out["eval"]
        return out

    def draw(self, rng):
        count = rng.randint(1, 3)
        rewards = [{"type": "exact"}]
        # Types repeat once rewards have names of their own; until then two of a type are a fault that is known.
        named = "name" in by_type(self.reward, "exact")
        for kind in rng.choices(REWARDS, k=count) if named else rng.sample(REWARDS[1:], count):
            rewards.append({"type": kind, "weight": rng.choice([0.1, 0.5, 1]), **fill(by_type(self.reward, kind), rng, 0.3)})
        for part in rewards:
            part.pop("max_tokens", None) if part.get("type") == "cosine" else None
        stages, models, pairs, data, scorers = [], [], [], [], []
        for index in range(rng.randint(1, 4)):
            kinds = ["sft", "grpo", "grpo", "reject", "eval", "search", "export"]
            kinds += (["dpo", "reward_model"] if pairs else []) + (["distill", "judge"] if models else [])
            kind = rng.choice(kinds)
            name = f"{kind.replace('_', '-')}{index}"
            stage = self.smoke(kind, fill(by_type(self.stage, kind), rng, rng.choice([0.1, 0.3, 0.6])))
            stage = {"name": name, "type": kind, **stage}
            if kind == "sft":
                part = {"source": "corpus", "documents": 60}
                if data and rng.random() < 0.5:
                    part = {"source": "stage", "stage": rng.choice(data)}
                stage["data"] = [part] + ([{"source": "general", "share": 0.5}] if rng.random() < 0.2 else [])
            if kind in ("dpo", "reward_model"):
                stage["pairs"] = {"stage": rng.choice(pairs)}
            if kind == "distill":
                stage["teacher"] = rng.choice(models)
                if data and rng.random() < 0.5:
                    stage["data"] = [{"source": "stage", "stage": rng.choice(data)}]
                else:
                    stage.pop("on_policy_share", None)
            if kind == "judge":
                stage.update(candidates=rng.choice(models), judge={**JUDGE, "mode": "pairs", "prompt": "{a}{b}{prompt}",
                                                                   "first": "0", "second": "5"})
            if kind == "grpo" and (scorers or models) and rng.random() < 0.4:
                use = rng.choice(scorers + models)
                stage["model_rewards"] = [{"stage": use, "weight": 0.5, **({} if use in scorers else {"judge": JUDGE})}]
            if models and kind in ("sft", "grpo", "dpo", "distill") and rng.random() < 0.3:
                stage["from"] = rng.choice(models + ["init"])
            stages.append(stage)
            if kind in ("sft", "grpo", "dpo", "distill"):
                models.append(name)
            if kind == "reward_model":
                scorers.append(name)
            if kind == "reject":
                data.append(name)
                pairs += [name] if stage["pairs_per_prompt"] else []
            if kind == "judge":
                pairs.append(name)
        return {"seed": rng.choice([1, 2, 3]), "threads": rng.choice([1, 2]), "model": {"path": str(self.base)}, "task": TASK,
                "rewards": rewards, "stages": stages}

    def change_one(self, recipe, rng):
        """The recipe with one key changed, and the key's place; None where nothing could be."""
        recipe = copy.deepcopy(recipe)
        stage = rng.choice(recipe["stages"])
        path, properties, at = [stage["type"]], by_type(self.stage, stage["type"]), stage
        while True:
            keys = [k for k in properties if k not in LEFT_OUT]
            if not keys:
                return None, None
            key = rng.choice(keys)
            path.append(key)
            inner = plain(properties[key])
            if inner.get("type") != "object" or "properties" not in inner:
                break
            properties, at = inner["properties"], at.setdefault(key, {})
            if at is None:
                return None, None
        old = at.get(key, properties[key].get("default"))
        for _ in range(8):
            new = value_of(key, properties[key], rng)
            if new is not None and new != old:
                at[key] = new
                return recipe, ".".join(path)
        return None, None


class Program:
    def __init__(self, program, seam, folder):
        self.program, self.seam, self.folder = program, seam, folder

    def __call__(self, *arguments, **faults):
        environment = dict(os.environ, OMP_WAIT_POLICY="passive")
        if faults:
            environment.update(faults, LD_PRELOAD=self.seam, FAULT_ROOT=str(self.folder))
        return subprocess.run([self.program, *map(str, arguments)], env=environment, capture_output=True, text=True)

    def run(self, recipe, name, **faults):
        (self.folder / (name + ".json")).write_text(json.dumps(recipe))
        return self("run", self.folder / (name + ".json"), "--out", self.folder / name, "--progress", "none", **faults)


def lines_without_times(file):
    for line in file.read_text().splitlines():
        row = json.loads(line)
        yield {k: v for k, v in row.items() if not k.startswith(("timing_s/", "perf/")) and k != "step_time"}


def digest(run, store=True):
    """Of everything that a run leaves and that must not depend on when it was cut."""
    hash_ = hashlib.sha256()
    for folder in ("final", "checkpoints", "data", "export"):
        for file in sorted((run / folder).rglob("*")) if (run / folder).exists() else []:
            if file.is_file():
                hash_.update(str(file.relative_to(run)).encode() + file.read_bytes())
    if store:
        hash_.update(json.dumps(list(lines_without_times(run / "metrics.jsonl"))).encode())
        with sqlite3.connect(f"file:{run / 'run.db'}?mode=ro", uri=True) as db:
            for table in ("evals", "samples", "alerts", "prompts"):
                hash_.update(json.dumps(db.execute(f"SELECT * FROM {table}").fetchall()).encode())
    return hash_.hexdigest()


def failed_samples(run):
    with sqlite3.connect(f"file:{run / 'run.db'}?mode=ro", uri=True) as db:
        return db.execute("SELECT count(*), min(parts) FROM samples WHERE verdict = 'failed'").fetchone()


def last_line(text):
    return text.strip().splitlines()[-1][:400] if text.strip() else ""


def try_one(seed, recipes, program, tally, acts):
    """Runs recipe number `seed`; yields faults."""
    rng = random.Random(seed)
    recipe = recipes.draw(rng)
    whole = program.run(recipe, "whole")
    if whole.returncode == 2:
        tally["refused"] += 1
        if not whole.stderr.strip() or "internal" in whole.stderr:
            yield f"refused without a reason: {whole.stderr}"
        tally["why " + re.sub(r"[0-9]+", "N", last_line(whole.stderr).replace(str(program.folder), ""))[:90]] += 1
        return
    if whole.returncode == 1 and any(words in whole.stderr for words in NOTHING_TO_LEARN):
        tally["nothing to learn from"] += 1
        return
    if whole.returncode != 0:
        yield f"rc {whole.returncode}: {last_line(whole.stderr)}"
        return
    tally["done"] += 1
    expected = digest(program.folder / "whole")
    judged = any("model_rewards" in stage or stage["type"] == "judge" for stage in recipe["stages"])
    failed, parts = failed_samples(program.folder / "whole")
    if failed and not judged:
        yield f"{failed} samples failed: {parts}"

    cut = program.run(recipe, "cut", FAULT_AT=str(rng.randint(1, 400)), FAULT_KIND="kill")
    if cut.returncode == -9:
        tally["killed"] += 1
        again = program("run", "--resume", "--out", program.folder / "cut", "--progress", "none")
        if again.returncode == 2 and not (program.folder / "cut" / "recipe.resolved.json").exists():
            again = program.run(recipe, "cut")
        if again.returncode != 0:
            yield f"not resumed: rc {again.returncode}: {last_line(again.stderr)}"
            return
    elif cut.returncode != 0:
        yield f"the second time rc {cut.returncode}: {last_line(cut.stderr)}"
        return
    if digest(program.folder / "cut") != expected:
        yield "other bytes after a kill" if cut.returncode == -9 else "other bytes the second time"
        return

    changed, key = recipes.change_one(recipe, rng)
    if changed is None:
        return
    after = program.run(changed, "changed")
    last = key.rsplit(".", 1)[-1]
    if after.returncode not in (0, 1, 2):
        yield f"{key} changed: rc {after.returncode}: {last_line(after.stderr)}"
    elif after.returncode != 0:
        acts[key] = True  # refused, and said why
    elif last in LIMITS:
        acts[key] = True
        if digest(program.folder / "changed", store=False) != digest(program.folder / "whole", store=False):
            yield f"the limit {key} changed the model; the changed recipe: {json.dumps(changed)}"
    else:
        acts[key] = acts.get(key, False) or digest(program.folder / "changed") != expected


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("program")
    parser.add_argument("seam")
    parser.add_argument("--count", type=int, default=10**9)
    parser.add_argument("--seconds", type=float, default=float("inf"))
    parser.add_argument("--seed", type=int, default=1, help="number of the first recipe")
    parser.add_argument("--show", action="store_true", help="print the first recipe and end")
    options = parser.parse_args()
    began, faults = time.time(), 0
    tally, acts = __import__("collections").Counter(), {}
    with tempfile.TemporaryDirectory(prefix="random-recipes-") as name:
        folder = pathlib.Path(name).resolve()
        make = Program(options.program, os.path.abspath(options.seam), folder)
        trained = make.run(BASE, "base")
        if trained.returncode != 0:
            sys.exit("no base model: " + trained.stderr)
        recipes = Recipes(json.loads(make("schema").stdout), folder / "base" / "final")
        if options.show:
            print(json.dumps(recipes.draw(random.Random(options.seed)), indent=1))
            return
        for seed in range(options.seed, options.seed + options.count):
            if time.time() - began > options.seconds:
                break
            work = folder / str(seed)
            work.mkdir()
            make.folder = work
            for fault in try_one(seed, recipes, make, tally, acts):
                faults += 1
                print(f"FAULT in recipe {seed} (--seed {seed} --count 1): {fault}", flush=True)
            tally["recipes"] += 1
            subprocess.run(["rm", "-rf", work], check=True)
    print(", ".join(f"{n} {what}" for what, n in sorted(tally.items()) if not what.startswith("why ")) + f", {faults} faults")
    for what, n in tally.most_common():
        if what.startswith("why "):
            print(f"  refused {n}: {what[4:]}")
    idle = sorted(key for key, acted in acts.items() if not acted)
    print(f"{len(acts)} keys changed; without effect where tried: {', '.join(idle) if idle else 'none'}")
    sys.exit(1 if faults else 0)


if __name__ == "__main__":
    main()
