# Tests written as Python asserts, judged without showing the program what is expected of it: plan() finds the calls that
# the asserts make of the program, the judge runs each in a box of its own, examine() evaluates the asserts with the values
# that came back. This file runs in a box without the program; see code_asserts.h.
import ast, builtins, copy, importlib, json, random, sys
from __main__ import decode, make_encoder

MODULES = ("math", "re", "cmath", "collections", "itertools", "functools", "datetime", "random", "string", "sys", "os",
           "heapq", "bisect", "operator", "copy", "statistics", "decimal", "fractions")


class Missing(Exception):
    """The program gave no value for this call."""


class Unknown:
    """Stands for a value that is not there yet while the calls are being found; every use of it succeeds or is caught."""
    def __call__(self, *args, **kwargs):
        return self
    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return self
    def __bool__(self):
        return True
    def __hash__(self):
        return 0
    def __iter__(self):
        return iter(())


for _name in ("eq", "ne", "lt", "le", "gt", "ge", "add", "radd", "sub", "rsub", "mul", "rmul", "truediv", "rtruediv",
              "floordiv", "mod", "pow", "neg", "abs", "getitem", "contains", "round"):
    setattr(Unknown, "__%s__" % _name, lambda self, *others: self)


class Calls:
    """Records calls of the program, or answers them from what came back."""
    def __init__(self, entry, answers=None):
        self.entry, self.answers, self.orders, self.next = entry, answers, [], 0

    def answer(self, order):
        self.orders.append(order)
        if self.answers is None:
            return Unknown()
        payload = self.answers[self.next]
        self.next += 1
        if payload[:1] != "V":
            raise Missing(payload)
        return decode(json.loads(payload[1:]), True)

    def call(self, *args):
        encode = make_encoder(True)
        order = "" if self.answers is not None else '{"rich":true,"entry":%s,"args":[%s]}' % (
            json.dumps(self.entry), ",".join([encode(item, 90) for item in copy.deepcopy(args)]))
        return self.answer(order)

    def expression(self, source, setup):
        return self.answer(json.dumps({"rich": True, "expression": source, "setup": setup}))


class Checked(ast.NodeTransformer):
    """Every assert notes its outcome and the rest goes on."""
    def visit_Assert(self, node):
        note = ast.parse("try:\n    pass\nexcept Exception as _error:\n    _outcomes.append(False)\n"
                         "else:\n    _outcomes.append(True)").body[0]
        note.body = [node]
        return ast.copy_location(note, node)


class Remote(ast.NodeTransformer):
    """The widest calls of names that only the program can know become requests."""
    def __init__(self, known):
        self.known = known

    def request(self, node):
        return ast.copy_location(ast.parse("_remote(%r)" % ast.unparse(node), mode="eval").body, node)

    def visit_Call(self, node):
        if isinstance(node.func, ast.Name) and node.func.id not in self.known:
            return self.request(node)
        return self.generic_visit(node)  # math.isclose(f(3), 1.5): only f(3) is asked for

    def visit_Name(self, node):
        return node if node.id in self.known else self.request(node)


def run(kind, prompt, tests, setup, entry, calls):
    random.seed(0)
    outcomes = []
    space = {"_outcomes": outcomes, "__name__": "tests"}
    if kind == "humaneval":
        exec(compile(prompt, "prompt", "exec"), space)
        space["_outcomes"] = outcomes
        space[entry] = calls.call  # one script names the function itself
        tree = Checked().visit(ast.parse(tests))
        exec(compile(ast.fix_missing_locations(tree), "tests", "exec"), space)
        try:
            space["check"](calls.call)
        except Exception:
            outcomes.append(False)
        return outcomes
    tree = ast.parse(tests)
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id in MODULES and not hasattr(builtins, node.id):
            space[node.id] = importlib.import_module(node.id)
    for node in tree.body:
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            exec(compile(ast.Module([node], []), "tests", "exec"), space)
    space["_remote"] = lambda source: calls.expression(source, setup)
    bound = {n.id for n in ast.walk(tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    known = set(dir(builtins)) | set(space) | bound
    called = [n.func.id for n in ast.walk(tree) if isinstance(n, ast.Call) and isinstance(n.func, ast.Name)]
    if called and set(called) <= known:
        known.discard(called[0])  # the program's function has the name of a built-in one
    tree = Remote(known).visit(tree)
    tree = ast.fix_missing_locations(Checked().visit(tree))
    try:
        exec(compile(tree, "tests", "exec"), space)
    except Exception:
        outcomes.append(False)
    return outcomes


def plan(kind, prompt, tests, setup, entry):
    calls = Calls(entry)
    outcomes = run(kind, prompt, tests, setup, entry, calls)
    return [len(outcomes)] + calls.orders


def examine(kind, prompt, tests, setup, entry, answers):
    return run(kind, prompt, tests, setup, entry, Calls(entry, answers))
