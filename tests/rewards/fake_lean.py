"""Stands for a REPL, for `lean --json` or for a Kimina server; argv[1] says which, argv[2] how it behaves.

It understands no Lean: a proof that holds "good" compiles, others have an error on their first line.
"""
import http.server
import json
import re
import sys
import time

kind, mode = sys.argv[1], sys.argv[2]


def judge(source):
    messages = []
    names = re.findall(r"theorem (posttrain_sentinel_\d+)", source)
    if "good" not in source and "posttrain_sentinel" in source:
        messages.append({"severity": "error", "pos": {"line": 2, "column": 4}, "data": "unknown tactic"})
    if mode == "sorry":
        messages.append({"severity": "warning", "data": "declaration uses 'sorry'"})
    if mode == "swallowed":
        names = []
        messages.append({"severity": "info", "data": "something else"})
    for name in names:
        messages.append({"severity": "info", "data": name + " : True"})
    for name in re.findall(r"#print axioms (\w+)", source):
        axioms = {"axiom": "[propext, cheat]", "native": "[propext, t._native.native_decide.ax_1]"}.get(mode, "[propext, Quot.sound]")
        if mode == "mute":
            continue
        if mode == "restated":
            messages.append({"severity": "error", "data": "type mismatch"})
        messages.append({"severity": "info", "data": f"'{name}' depends on axioms: {axioms}"})
        if mode == "forged":
            messages.append({"severity": "info", "data": f"'{name}' does not depend on any axioms"})
    return messages


def repl():
    text, env = "", 0
    for line in sys.stdin:
        if line.strip():
            text += line
            continue
        command, text = json.loads(text), ""
        if mode == "dies" and env > 0:
            sys.exit(1)
        if mode == "slow" and env > 0:
            time.sleep(60)
        if mode == "garbage" and env > 0:
            print("not json\n", flush=True)
            continue
        if mode == "flood" and env > 0:
            while True:
                print("x" * 65536, flush=True)
        reply = {"env": env}
        env += 1
        if "cmd" in command:
            messages = judge(command["cmd"]) if "theorem" in command["cmd"] else []
            if messages:
                reply["messages"] = messages
        print(json.dumps(reply, indent=1) + "\n", flush=True)


def lake():
    file = sys.argv[-1]
    source = open(file).read()
    if "-o" in sys.argv and mode != "nofile":
        open(sys.argv[sys.argv.index("-o") + 1], "w").write("object")
    for m in judge(source):
        m["severity"] = {"info": "information"}.get(m["severity"], m["severity"])
        print(json.dumps(m))


class Kimina(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        snippet = request["snippets"][0]
        result = {"id": snippet["id"], "time": 0.1, "response": {"env": 0, "messages": judge(snippet["code"])}}
        if mode == "error":
            result = {"id": snippet["id"], "error": "Lean REPL command timed out in 30 seconds"}
        if mode == "other":
            result["id"] = "somebody else's"
        body = json.dumps({"results": [result]}).encode()
        self.send_response(503 if mode == "busy" else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


if kind == "repl":
    repl()
elif kind == "lake":
    lake()
else:
    server = http.server.HTTPServer(("127.0.0.1", 0), Kimina)
    print(server.server_port, flush=True)
    server.serve_forever()
