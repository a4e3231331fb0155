#!/usr/bin/env python3
"""Makes tests/goldens/<family>: tiny random models with what Hugging Face transformers computes for them.

Needs torch and transformers (made with torch 2.15, transformers 5.23, float32, eager attention). The layout is that of
`posttrain parity`: config.json, model.safetensors, expected.json, expected.safetensors, grads.safetensors.
"""
import json
import pathlib
import sys

import torch
from safetensors.torch import save_file
from transformers import AutoModelForCausalLM
from transformers import (DeepseekV3Config, Gemma2Config, LlamaConfig, MistralConfig, Phi3Config, Qwen2Config,
                          Qwen3Config, Qwen3MoeConfig)

COMMON = dict(vocab_size=48, hidden_size=16, intermediate_size=24, num_hidden_layers=2, num_attention_heads=4,
              num_key_value_heads=2, max_position_embeddings=128, bos_token_id=1, eos_token_id=2, pad_token_id=0,
              attn_implementation="eager")
ROPE = lambda theta, **more: dict(rope_parameters=dict(rope_theta=theta, rope_type="default") | more)

FAMILIES = {
    "llama_biases": LlamaConfig(**COMMON, **ROPE(1e4), head_dim=8, attention_bias=True, mlp_bias=True,
                                tie_word_embeddings=False),
    "llama_linear_rope": LlamaConfig(**COMMON, **ROPE(1e4, rope_type="linear", factor=2.0), tie_word_embeddings=True),
    "llama_yarn": LlamaConfig(**COMMON, **ROPE(1e4, rope_type="yarn", factor=4.0,
                                               original_max_position_embeddings=16), tie_word_embeddings=True),
    "mistral_window": MistralConfig(**COMMON, **ROPE(1e4), head_dim=8, sliding_window=5, tie_word_embeddings=False),
    "qwen2_window": Qwen2Config(**COMMON, **ROPE(1e6), use_sliding_window=True, sliding_window=5, max_window_layers=1,
                                tie_word_embeddings=True),
    "qwen3_tied": Qwen3Config(**COMMON, **ROPE(1e6), head_dim=8, attention_bias=True, tie_word_embeddings=True),
    "phi3_partial": Phi3Config(**COMMON, **ROPE(1e4), sliding_window=6, tie_word_embeddings=False),
    "gemma2": Gemma2Config(**COMMON, **ROPE(1e4), head_dim=8, query_pre_attn_scalar=12, sliding_window=5,
                           attn_logit_softcapping=8.0, final_logit_softcapping=6.0, tie_word_embeddings=True),
    "qwen3_moe": Qwen3MoeConfig(**COMMON, **ROPE(1e6), head_dim=8, num_experts=6, num_experts_per_tok=2,
                                moe_intermediate_size=8, norm_topk_prob=False, mlp_only_layers=[0],
                                tie_word_embeddings=False),
    "deepseek_v3_no_q_lora": DeepseekV3Config(
        **(COMMON | dict(num_key_value_heads=4)), **ROPE(1e4), q_lora_rank=None, kv_lora_rank=8, qk_nope_head_dim=6,
        qk_rope_head_dim=4, v_head_dim=6, n_routed_experts=4, n_shared_experts=2, num_experts_per_tok=2, n_group=2,
        topk_group=1, moe_intermediate_size=8, routed_scaling_factor=1.5, norm_topk_prob=True, first_k_dense_replace=1,
        tie_word_embeddings=False),
}


def greedy(model, prompt, count):
    ids, gap = list(prompt), float("inf")
    for _ in range(count):
        top = model(torch.tensor([ids])).logits[0, -1].topk(2)
        gap = min(gap, float(top.values[0] - top.values[1]))
        ids.append(int(top.indices[0]))
    return ids[len(prompt):], gap


def make(folder, config, seed):
    torch.manual_seed(seed)
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, attn_implementation="eager")
    model.eval()
    with torch.no_grad():
        for name, tensor in list(model.named_parameters()) + list(model.named_buffers()):
            if tensor.ndim == 2 or tensor.ndim == 3:
                tensor.normal_(0, tensor.shape[-1] ** -0.5 * 1.6)
            elif name.endswith("norm.weight"):
                tensor.add_(0.2 * torch.randn_like(tensor))
            elif name.endswith(".bias") or name.endswith("correction_bias"):
                tensor.normal_(0, 0.1)
    model.save_pretrained(folder)
    lengths, T = [12, 9, 5], 12
    ids = torch.zeros(3, T, dtype=torch.long)
    mask = torch.zeros(3, T, dtype=torch.long)
    attention = torch.zeros(3, T, dtype=torch.long)
    for r, n in enumerate(lengths):
        ids[r, :n] = torch.randint(3, config.vocab_size, (n,))
        mask[r, 3:n] = 1
        attention[r, :n] = 1
    mask[0, 6] = 0
    logits = model(ids, attention_mask=attention).logits.float()
    logp = torch.log_softmax(logits, -1)[:, :-1].gather(-1, ids[:, 1:, None])[..., 0]
    nll = -(logp * mask[:, 1:]).sum() / mask[:, 1:].sum()
    nll.backward()
    named = dict(model.named_parameters())
    # Checkpoint names may differ from module names (fused experts): split as save_pretrained does.
    grads = {}
    for name, p in named.items():
        g = torch.zeros_like(p) if p.grad is None else p.grad
        if ".experts.gate_up_proj" in name:
            base = name.removesuffix("gate_up_proj")
            for e in range(g.shape[0]):
                half = g.shape[1] // 2
                grads[f"{base}{e}.gate_proj.weight"] = g[e, :half].contiguous()
                grads[f"{base}{e}.up_proj.weight"] = g[e, half:].contiguous()
        elif ".experts.down_proj" in name:
            base = name.removesuffix("down_proj")
            for e in range(g.shape[0]):
                grads[f"{base}{e}.down_proj.weight"] = g[e].contiguous()
        else:
            grads[name] = g.contiguous()
    prompts = [[int(x) for x in ids[r, :3]] for r in range(3)]
    with torch.no_grad():
        runs = [greedy(model, p, 12) for p in prompts]
        logits, logp = logits.detach().clone(), logp.detach().clone()
        for r, n in enumerate(lengths):
            logits[r, n:] = 0
            logp[r, n - 1:] = 0
    save_file({"logits": logits, "token_logprobs": logp}, str(folder / "expected.safetensors"))
    save_file(grads, str(folder / "grads.safetensors"))
    expected = dict(input_ids=ids.tolist(), lengths=lengths, completion_mask=mask.tolist(), nll_loss=float(nll),
                    greedy=dict(prompts=prompts, tokens=[t for t, _ in runs], min_top1_top2_gap=[g for _, g in runs]))
    (folder / "expected.json").write_text(json.dumps(expected) + "\n")
    (folder / "generation_config.json").unlink(missing_ok=True)
    print(folder.name, float(nll), min(g for _, g in runs))


def main():
    root = pathlib.Path(__file__).parent
    torch.set_num_threads(1)
    for seed, (name, config) in enumerate(FAMILIES.items()):
        if len(sys.argv) > 1 and name not in sys.argv[1:]:
            continue
        folder = root / name
        folder.mkdir(exist_ok=True)
        make(folder, config, 100 + seed)


if __name__ == "__main__":
    main()
