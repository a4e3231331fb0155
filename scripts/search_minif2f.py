"""Made tests/lean/minif2f_scripts.jsonl: tries short tactic scripts, built from each statement's hypotheses and
variables, on miniF2F's statements, and prints the first that `posttrain score lean` accepts.

  python3 scripts/search_minif2f.py build/posttrain ../shared/data/minif2f/minif2f.jsonl > scripts.jsonl
"""
import json
import re
import subprocess
import sys

def hyps(st):
    head = st
    names = []
    types = {}
    i = 0
    depth = 0
    groups = []
    cur = ''
    body = st.split(' ', 2)[2] if st.startswith('theorem') else st
    for ch in body:
        if ch in '([{':
            if depth == 0:
                cur = ''
            depth += 1
        if depth > 0:
            cur += ch
        if ch in ')]}':
            depth -= 1
            if depth == 0:
                groups.append(cur)
        if depth == 0 and ch == ':':
            break
    vars_, hs = ([], [])
    for g in groups:
        g = g[1:-1]
        if ':' not in g:
            continue
        n, t = g.split(':', 1)
        t = t.strip()
        if re.fullmatch('(ℕ|ℤ|ℚ|ℝ|ℂ|Prop)(\\s*→\\s*(ℕ|ℤ|ℚ|ℝ|ℂ))*', t):
            for v in n.split():
                vars_.append((v, t))
        else:
            for v in n.split():
                hs.append((v, t))
    return (vars_, hs)

def cands(st):
    vs, hs = hyps(st)
    H = [h for h, _ in hs]
    allh = [h for h, t in hs if '∀' in t]
    plain = [h for h, t in hs if '∀' not in t]
    conj = [(h, t) for h, t in hs if '∧' in t and '∀' not in t and ('∨' not in t) and ('→' not in t)]
    pre = ''
    extra = []
    for h, t in conj:
        n = t.count('∧') + 1
        if '∃' in t:
            continue
        nm = [f"{h}{'abcdefgh'[i]}" for i in range(n)]
        pre += f"obtain ⟨{', '.join(nm)}⟩ := {h}\n"
        extra += nm
    goal = st
    fins = ['norm_num', 'decide', 'rfl', 'ring', 'linarith', 'omega', 'constructor <;> linarith', 'norm_num [Finset.sum_range_succ]', 'field_simp\nring', 'nlinarith [sq_nonneg 0]']
    out = ['norm_num', 'decide', 'rfl', 'ring', 'linarith', 'omega']
    out += ['norm_num [Nat.factorial]', 'simp only [Finset.sum_range_succ]\nnorm_num']
    out += ['constructor <;> linarith', 'split_ands <;> linarith', 'field_simp', 'field_simp\nring']
    nums = [v for v, t in vs if t in ('ℕ', 'ℤ')]
    reals = [v for v, t in vs if t in ('ℝ', 'ℚ')]
    if H:
        hl = ', '.join(H)
        out += [f'norm_num [{hl}]', f'simp only [{hl}]', f'subst_vars\nnorm_num', 'subst_vars\nring', 'subst_vars\nlinarith']
        for h in plain:
            out.append(f'rw [{h}]\nnorm_num')
            out.append(f'field_simp at {h}\nlinarith')
            out.append(f'norm_num at {h}\nlinarith')
        if allh:
            al = ', '.join(allh)
            pl = ' '.join(plain)
            if plain:
                out += [f'simp only [{al}] at {pl}\nlinarith', f'simp only [{al}] at {pl} ⊢\nlinarith', f'norm_num [{al}] at {pl} ⊢\nlinarith', f'norm_num [{al}] at {pl}\nconstructor <;> linarith', f'simp only [{al}] at {pl} ⊢\nnlinarith [sq_nonneg 0]', f'norm_num [{al}] at {pl}\nnlinarith']
            out += [f'simp only [{al}]\nnorm_num', f'simp only [{al}]\nring', f'simp only [{al}]\nlinarith', f'norm_num [{al}]']
            fv = [v for v, t in vs if '→' in t]
            inst = ''
            for h in allh:
                for k in (0, 1, 2, -1, 3):
                    inst += f'have {h}i{k + 5} := {h} ({k})\n'
            out += [inst + 'linarith', inst + 'constructor <;> linarith', inst + 'constructor <;> nlinarith', inst + 'nlinarith', inst + 'norm_num at *\nlinarith', inst + 'omega']
    if pre:
        for f in ['linarith', 'omega', 'nlinarith', 'constructor <;> linarith', 'split_ands <;> linarith', 'positivity', 'field_simp', 'field_simp\nring', 'constructor <;> nlinarith', 'field_simp at *\nlinarith']:
            out.append(pre + f)
    for v in nums[:3]:
        for f in ['omega', 'norm_num at *', 'simp_all', 'decide']:
            out.append(pre + f'interval_cases {v} <;> {f}')
        out.append(pre + f'interval_cases {v} <;> first | omega | norm_num at * | linarith')
        out.append(pre + f'have bound : {v} ≤ 100 := by nlinarith\ninterval_cases {v} <;> omega')
        for m in (2, 3, 4, 5, 7, 8, 9, 10):
            cases = ' ∨ '.join((f'{v} % {m} = {i}' for i in range(m)))
            pat = ' | '.join(['h'] * m)
            out.append(pre + f'have h : {cases} := by omega\nrcases h with {pat} <;> simp [h, pow_two, Nat.mul_mod]')
        out.append(f'induction {v} with\n| zero => norm_num\n| succ n ih => omega')
        out.append(f'induction {v} with\n| zero => norm_num\n| succ n ih =>\n  rw [Finset.sum_range_succ]\n  linarith')
        out.append(f'induction {v} with\n| zero => norm_num\n| succ n ih =>\n  rw [Finset.sum_range_succ]\n  rw [ih]\n  field_simp\n  ring')
    if len(nums) >= 2:
        a, b = nums[:2]
        out.append(pre + f'interval_cases {a} <;> interval_cases {b} <;> omega')
        out.append(pre + f'interval_cases {a} <;> omega')
        out.append(pre + f'interval_cases {b} <;> omega')
    R = reals + [v for v in nums if 'ℤ' in dict(vs)[v]]
    R = R[:4]
    if R:
        sq = [f'sq_nonneg {a}' for a in R] + [f'sq_nonneg ({a} - {b})' for i, a in enumerate(R) for b in R[i + 1:]] + [f'sq_nonneg ({a} + {b})' for i, a in enumerate(R) for b in R[i + 1:]]
        sq1 = [f'sq_nonneg ({a} - {k})' for a in R for k in (1, 2, 3)] + [f'sq_nonneg ({a} + {k})' for a in R for k in (1, 2, 3)]
        for L in (sq, sq + sq1[:6]):
            l = ', '.join(L[:10])
            out += [pre + f'nlinarith [{l}]', pre + f'constructor <;> nlinarith [{l}]']
    seen = []
    for c in out:
        if c not in seen:
            seen.append(c)
    return seen

def main():
    program, data = sys.argv[1:3]
    rows = [json.loads(line) for line in open(data)]
    lines, tried = ([], {})
    for row in rows:
        statement = row['formal_statement'].strip()
        for i, proof in enumerate(cands(statement)):
            name = f"{row['name']}#{i}"
            tried[name] = proof
            lines.append(json.dumps({'id': name, 'statement': statement, 'proof': proof}))
    command = [program, 'score', 'lean', '--steps', '150000']
    answers = subprocess.run(command, input='\n'.join(lines), capture_output=True, text=True, check=True).stdout
    closed = {}
    for line in answers.splitlines():
        answer = json.loads(line)
        if answer['verdict'] == 'right':
            closed.setdefault(answer['id'].split('#')[0], tried[answer['id']])
    for name, proof in closed.items():
        print(json.dumps({'name': name, 'proof': proof}, ensure_ascii=False))
    print(f'{len(closed)} of {len(rows)} closed', file=sys.stderr)
main()