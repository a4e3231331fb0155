#!/usr/bin/env python3
"""Compares `posttrain generate` with Hugging Face transformers on a saved model: the same greedy text, token by token.

    tests/transformers_greedy.py MODEL_DIR [--posttrain build/posttrain] [--prompt TEXT]... [--tokens N]

Exits 0 when every prompt agrees, 1 when one differs; prints 'skipped' and exits 0 where transformers is not installed.
"""
import argparse
import json
import subprocess
import sys


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("model")
    parser.add_argument("--posttrain", default="build/posttrain")
    parser.add_argument("--prompt", action="append")
    parser.add_argument("--tokens", type=int, default=32)
    args = parser.parse_args()
    try:
        import torch
        from transformers import AutoModelForCausalLM, AutoTokenizer
    except ImportError as missing:
        print(f"skipped: {missing}")
        return 0
    tokenizer = AutoTokenizer.from_pretrained(args.model)
    model = AutoModelForCausalLM.from_pretrained(args.model, dtype=torch.float32).eval()
    bad = 0
    for prompt in args.prompt or ["7+5*3-8=", "9-4*2=", "0+9*9-1+5="]:
        answer = subprocess.run(
            [args.posttrain, "generate", args.model, "--prompt", prompt, "--temperature", "0", "--max-new-tokens",
             str(args.tokens), "--json"], check=True, capture_output=True, text=True).stdout
        ours = json.loads(answer.splitlines()[0])["ids"]
        ids = tokenizer(prompt, add_special_tokens=False)["input_ids"]
        bos = model.config.bos_token_id
        if bos is not None and ids[:1] != [bos]:
            ids = [bos] + ids
        with torch.no_grad():
            out = model.generate(torch.tensor([ids]), attention_mask=torch.ones(1, len(ids), dtype=torch.long),
                                 do_sample=False, max_new_tokens=args.tokens)
        theirs = out[0, len(ids):].tolist()
        shorter = min(len(ours), len(theirs))  # whether the stop token itself is listed is a matter of style
        same = ours[:shorter] == theirs[:shorter] and abs(len(ours) - len(theirs)) <= 1
        print(f"{'same' if same else 'DIFFERENT'}: {prompt!r} -> {tokenizer.decode(theirs)!r}")
        if not same:
            print(f"  posttrain:    {ours}\n  transformers: {theirs}")
        bad += not same
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
