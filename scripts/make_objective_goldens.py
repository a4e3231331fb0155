#!/usr/bin/env python3
"""Makes tests/rl/goldens/objectives.json: what verl's and TRL's own functions give, in float64.

usage: make_objective_goldens.py VERL_WHEEL_UNPACKED TRL_WHEEL_UNPACKED > objectives.json      (needs torch)

The functions are cut out of the two packages by name and run as they are; only their imports are left behind.
"""
import ast, json, math, random, sys, textwrap
from collections import defaultdict
from types import SimpleNamespace
from typing import Optional

VERL = ["compute_grpo_outcome_advantage", "compute_reinforce_plus_plus_baseline_outcome_advantage",
        "compute_rloo_outcome_advantage", "compute_opo_outcome_advantage",
        "compute_reinforce_plus_plus_outcome_advantage", "agg_loss", "compute_policy_loss", "kl_penalty",
        "kl_penalty_forward"]
VERL_F = ["masked_sum", "masked_mean", "masked_var", "masked_whiten"]


def functions(path, names):
    """The source of these functions without decorators, annotations and docstrings."""
    out = []
    for node in ast.walk(ast.parse(open(path).read())):
        if not (isinstance(node, ast.FunctionDef) and node.name in names):
            continue
        node.decorator_list, node.returns = [], None
        for arg in node.args.args + node.args.kwonlyargs:
            arg.annotation = None
        if isinstance(node.body[0], ast.Expr) and isinstance(node.body[0].value, ast.Constant):
            node.body = node.body[1:] or [ast.Pass()]
        out.append(ast.unparse(node))
    return "\n".join(out)


def cut(verl, trl):
    lines = open(f"{trl}/trl/trainer/rloo_trainer.py").read().split("\n")
    first = next(i for i, l in enumerate(lines) if "# Include the KL penalty in the reward" in l)
    last = next(i for i, l in enumerate(lines) if "torch.nan_to_num(advantages" in l)
    block = textwrap.dedent("\n".join(lines[first:last + 1]))
    return {"verl": functions(f"{verl}/verl/trainer/ppo/core_algos.py", VERL),
            "verl_F": functions(f"{verl}/verl/utils/torch_functional.py", VERL_F),
            "trl_loss": functions(f"{trl}/trl/trainer/rloo_trainer.py", ["_compute_loss"]),
            "trl_nan": functions(f"{trl}/trl/trainer/utils.py", ["nanstd", "nanmin", "nanmax", "nanvar"]),
            "trl_advantages": ast.unparse(ast.parse(block))}


def main(source):
    import torch

    torch.set_default_dtype(torch.float64)
    verl_f = {"torch": torch}
    exec(source["verl_F"], verl_f)
    verl = {"torch": torch, "defaultdict": defaultdict, "verl_F": SimpleNamespace(**verl_f)}
    exec(source["verl"], verl)
    trl = {"torch": torch}
    exec(source["trl_nan"], trl)
    exec(source["trl_loss"], trl)

    rng = random.Random(17)
    cases = []
    for number in range(6):
        groups, size, width = 3, 4, 6
        n = groups * size
        length = [rng.randint(1, width) for _ in range(n)]
        mask = torch.tensor([[1.0 if t < length[i] else 0.0 for t in range(width)] for i in range(n)])
        reward = [rng.choice([0, 0.1, 0.5, 0.95, 1]) for _ in range(n)]
        if number % 2:
            reward[:size] = [0.95] * size  # a group without spread
        draw = lambda spread: torch.tensor([[spread * rng.gauss(0, 1) for _ in range(width)] for _ in range(n)])
        old = -1 - draw(0.3).abs()
        logp, ref = old + draw(0.3), old + draw(0.2)
        index = [i // size for i in range(n)]
        outcome = torch.zeros(n, width)
        for i in range(n):
            outcome[i, length[i] - 1] = reward[i]
        rows = lambda x: [x[i, :length[i]].tolist() for i in range(n)]
        first = lambda x: x[:, 0].tolist()
        case = {"group": index, "reward": reward, "logp": rows(logp), "old_logp": rows(old), "ref_logp": rows(ref),
                "advantage": {}, "token_advantage": {}, "objective": {}}

        # ---- advantages
        for name, call in {
            "verl_group": lambda r: verl["compute_grpo_outcome_advantage"](r, mask, index),
            "verl_centred": lambda r: verl["compute_grpo_outcome_advantage"](r, mask, index,
                                                                             norm_adv_by_std_in_grpo=False),
            "verl_rloo": lambda r: verl["compute_rloo_outcome_advantage"](r, mask, index),
            "verl_opo": lambda r: verl["compute_opo_outcome_advantage"](r, mask, index),
            "verl_reinforce_pp_baseline":
                lambda r: verl["compute_reinforce_plus_plus_baseline_outcome_advantage"](r, mask, index),
        }.items():
            case["advantage"][name] = first(call(outcome.clone())[0])
        for beta in (0.0, 0.1):
            penalised = outcome - beta * verl["kl_penalty"](old, ref, "kl") * mask
            returned = verl["compute_reinforce_plus_plus_outcome_advantage"](
                penalised, mask, config=SimpleNamespace(gamma=1.0))[0]
            case["token_advantage"][f"verl_reinforce_pp_beta_{beta}"] = rows(returned)
            names = {"torch": torch, "nanstd": trl.get("nanstd"), "gather": lambda x: x, "num_generations": size,
                     "rewards": torch.tensor(reward), "old_per_token_logps": old, "ref_per_token_logps": ref,
                     "completion_mask": mask, "self": SimpleNamespace(beta=beta, normalize_advantages=False)}
            exec(source["trl_advantages"], names)
            case["advantage"][f"trl_rloo_beta_{beta}"] = names["advantages"].tolist()

        # ---- losses and their slopes
        drawn = [rng.gauss(0, 1) for _ in range(n)]
        case["drawn_advantage"] = drawn

        def sloped(loss):
            x = logp.clone().requires_grad_(True)
            value = loss(x)
            value.backward()
            return {"loss": value.item(), "dlogp": rows(x.grad)}

        adv = torch.tensor(drawn)
        stub = SimpleNamespace(
            epsilon_low=0.2, epsilon_high=0.2, aux_loss_enabled=False, model=SimpleNamespace(training=True),
            _metrics={"train": defaultdict(list)},
            accelerator=SimpleNamespace(reduce=lambda x, **_: x, gather=lambda x: x, gather_for_metrics=lambda x: x))

        def trl_rloo(x):
            stub._get_per_token_logps_and_entropies = lambda *a, **k: (x, torch.zeros_like(x), None)
            ids = torch.zeros(n, width)
            return trl["_compute_loss"](stub, None, {
                "prompt_ids": ids, "prompt_mask": ids, "completion_ids": ids, "completion_mask": mask,
                "old_logps": (old * mask).sum(1), "advantages": adv})

        case["objective"]["trl_rloo"] = sloped(trl_rloo)
        case["objective"]["trl_rloo"]["clip_low"] = stub._metrics["train"]["clip_ratio/low_mean"][-1]
        case["objective"]["trl_rloo"]["clip_high"] = stub._metrics["train"]["clip_ratio/high_mean"][-1]
        wide = adv.unsqueeze(1).expand(n, width)
        for mode in ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm"):
            case["objective"]["verl_ppo_dual_clip " + mode] = sloped(lambda x: verl["compute_policy_loss"](
                old, x, wide, mask, cliprange_low=0.2, cliprange_high=0.28, clip_ratio_c=1.4, loss_agg_mode=mode)[0])
        for kind in ("k1+", "k2", "k3"):
            case["objective"]["verl_kl " + kind] = sloped(lambda x: verl["agg_loss"](
                verl["kl_penalty"](x, ref, kind), mask, "token-mean"))
        cases.append(case)
    rounded = lambda x: ([rounded(v) for v in x] if isinstance(x, list) else
                         {k: rounded(v) for k, v in x.items()} if isinstance(x, dict) else
                         float(f"{x:.12g}") if isinstance(x, float) else x)
    print(json.dumps({"made_by": "scripts/make_objective_goldens.py", "verl": "0.9.1", "trl": "1.16.0",
                      "torch": torch.__version__, "cases": rounded(cases)}))


if __name__ == "__main__":
    main(cut(sys.argv[1], sys.argv[2]))
