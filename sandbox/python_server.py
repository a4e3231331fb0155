# The Python fork server: see python_server.h. Runs inside the box on the standard library alone.
# Descriptor 3 is the line to the supervisor. The child returns from serve() and becomes the program.
import sys

sys.path[:] = [folder for folder in sys.path if folder]
import _sitebuiltins, abc, array, ast, atexit, bisect, builtins, cmath, collections, collections.abc, contextlib, copy, ctypes
import dataclasses, datetime, decimal, enum, errno, fractions, functools, gc, hashlib, heapq, io, itertools, json, math
import numbers, operator, os, queue, random, re, resource, signal, socket, statistics, string, struct, textwrap
import threading, time, traceback, types, typing, unicodedata


class Filter(ctypes.Structure):
    _fields_ = [("length", ctypes.c_ushort), ("program", ctypes.c_char_p)]


def serve(line):
    """Forks a child per order; returns in the child with what it was asked to do."""
    program_filter = line.recv(65536)
    libc = ctypes.CDLL(None, use_errno=True)
    keep = ctypes.create_string_buffer(program_filter, len(program_filter))
    rules = Filter(len(program_filter) // 8, ctypes.cast(keep, ctypes.c_char_p))
    libc.prctl(4, 0, 0, 0, 0)  # PR_SET_DUMPABLE: nobody reads this process
    gc.collect()
    gc.freeze()
    line.send(struct.pack("=q", 1))
    while True:
        order, fds, _, _ = socket.recv_fds(line, 65536, 16)
        if not order:
            os._exit(0)
        try:
            pid = os.fork()
        except OSError as error:
            pid = -error.errno
        if pid == 0:
            line.detach()
            return order.split(), fds, libc, rules
        for fd in fds:
            os.close(fd)
        line.send(struct.pack("=q", pid))
        if pid > 0:
            if not line.recv(1):
                os._exit(0)
            _, status, used = os.wait4(pid, 0)
            line.send(struct.pack("=4q", status, int(used.ru_utime * 1e6), int(used.ru_stime * 1e6), used.ru_maxrss))


def enter(order, fds, libc, rules):
    """Streams, limits and the last filter; gives back the source and, for a function, its order and the result descriptor."""
    for door in fds[len(fds) - int(order[1]):]:
        os.write(door, b"0")  # into the control group
    # By position: the same file serves many runs and its descriptors share one offset.
    source = os.pread(fds[3], os.fstat(fds[3]).st_size, 0)
    task = result = None
    if order[0] == b"function":
        task = os.pread(fds[5], os.fstat(fds[5]).st_size, 0)
        result = os.dup2(fds[4], 9)
    for place in (0, 1, 2):
        os.dup2(fds[place], place)
    if result is not None:
        result = os.dup2(9, 3)
    os.closerange(4 if task is not None else 3, 1024)
    os.setsid()
    os.chdir("/box/run/work")
    for i in range(2, len(order), 3):
        resource.setrlimit(int(order[i]), (int(order[i + 1]), int(order[i + 2])))
    libc.prctl(4, 1, 0, 0, 0)
    if libc.prctl(22, 2, ctypes.byref(rules), 0, 0) != 0:  # PR_SET_SECCOMP
        os._exit(125)
    for name, fd, mode in (("stdin", 0, "r"), ("stdout", 1, "w"), ("stderr", 2, "w")):
        stream = open(fd, mode, encoding="utf-8", errors="backslashreplace" if fd == 2 else "surrogateescape",
                      closefd=False, newline=None if fd == 0 else "\n")
        if fd == 2:
            stream.reconfigure(line_buffering=True)
        setattr(sys, name, stream)
        setattr(sys, "__" + name + "__", stream)
    builtins.exit = _sitebuiltins.Quitter("exit", "Ctrl-D (i.e. EOF)")
    builtins.quit = _sitebuiltins.Quitter("quit", "Ctrl-D (i.e. EOF)")
    sys.argv[:] = ["solution.py"]
    sys.setrecursionlimit(1004)  # four frames of ours stand below the program's
    return source, task, result


class NotPlain(Exception):
    pass


def make_encoder(rich):
    """An encoder of plain values that trusts no method of the value. `rich` tags what JSON can't tell apart."""
    kind, text, length = type, str, len
    repr_float, hexed = float.__repr__, bytes.hex
    escapes = {chr(i): "\\u%04x" % i for i in range(32)}
    escapes['"'], escapes["\\"] = '\\"', "\\\\"

    def string(value):
        value.encode("utf-8")
        return '"' + "".join([escapes.get(c, c) for c in value]) + '"'

    def plain(value, depth):
        t = kind(value)
        if value is None:
            return "null"
        if t is bool:
            return "true" if value else "false"
        if t is int:
            return int.__repr__(value)
        if t is float:
            shown = repr_float(value)
            return {"nan": "NaN", "inf": "Infinity", "-inf": "-Infinity"}.get(shown, shown)
        if t is str:
            return string(value)
        if depth == 0:
            raise NotPlain
        if t is list or t is tuple:
            return "[" + ",".join([plain(item, depth - 1) for item in value]) + "]"
        if t is dict:
            parts = []
            for key, item in value.items():
                if kind(key) is not str:
                    raise NotPlain
                parts.append(string(key) + ":" + plain(item, depth - 1))
            return "{" + ",".join(parts) + "}"
        raise NotPlain

    def tagged(value, depth):
        if value is None or kind(value) in (bool, int, float, str):
            return plain(value, depth)
        if depth == 0:
            raise NotPlain
        # Subclasses count by what they hold: the methods called are those of the plain types.
        for base, tag in ((list, "l"), (tuple, "t"), (set, "s"), (frozenset, "f")):
            if isinstance(value, base):
                items = [tagged(item, depth - 1) for item in base.__iter__(value)]
                return '["%s"%s]' % (tag, "".join(["," + item for item in items]))
        if isinstance(value, dict):
            items = [tagged(k, depth - 1) + "," + tagged(v, depth - 1) for k, v in dict.items(value)]
            return '["d"%s]' % "".join(["," + item for item in items])
        if isinstance(value, bool) or isinstance(value, int):
            return int.__repr__(value)
        if isinstance(value, float):
            return plain(float.__float__(value), depth)
        if isinstance(value, str):
            return string(str.__str__(value))
        if isinstance(value, complex):
            return '["c",%s,%s]' % (plain(complex.real.__get__(value), 0), plain(complex.imag.__get__(value), 0))
        if isinstance(value, (bytes, bytearray)):
            return '["b","%s"]' % hexed(bytes(value))
        raise NotPlain

    return tagged if rich else plain


def call(source, task, result):
    """Loads the program as a module, evaluates what the task asks for and sends one record."""
    write, leave, digits = os.write, os._exit, sys.set_int_max_str_digits if hasattr(sys, "set_int_max_str_digits") else len
    digits(0)
    task = json.loads(task)
    digits(4300)
    encode = make_encoder(task.get("rich", False))
    not_plain = (NotPlain, UnicodeEncodeError, RecursionError)
    module = types.ModuleType("solution")
    module.__file__ = "/box/run/work/solution.py"
    sys.modules["solution"] = module
    exec(compile(source, "solution.py", "exec", dont_inherit=True), module.__dict__)
    if "setup" in task:
        exec(compile(task["setup"], "setup.py", "exec", dont_inherit=True), module.__dict__)
    if "expression" in task:
        value = eval(compile(task["expression"].strip(), "test.py", "eval", dont_inherit=True), module.__dict__)
    else:
        value = module.__dict__[task["entry"]](*[decode(item, task.get("rich", False)) for item in task["args"]])
    digits(0)
    try:
        record = "V" + encode(value, 100)
    except not_plain:
        record = "N"
    record = record.encode("utf-8")
    record = b"%d\n" % len(record) + record + b"\n"
    while record:
        record = record[write(result, record):]
    leave(0)


def decode(value, rich):
    if not rich:
        return value
    if type(value) is not list:
        return value
    tag, items = value[0], value[1:]
    if tag == "b":
        return bytes.fromhex(items[0])
    items = [decode(item, rich) for item in items]
    if tag == "d":
        return dict(zip(items[::2], items[1::2]))
    return {"l": list, "t": tuple, "s": set, "f": frozenset, "c": lambda parts: complex(*parts)}[tag](items)


def run(source):
    """The program as __main__, ended as the interpreter would end it, but without tearing the modules down."""
    program = types.ModuleType("__main__")
    program.__builtins__ = builtins
    program.__file__ = "/box/run/work/solution.py"
    sys.modules["__main__"] = program
    leave, status = os._exit, 0
    finish, run_exit_functions = threading._shutdown, atexit._run_exitfuncs
    try:
        try:
            exec(compile(source, "solution.py", "exec", dont_inherit=True), program.__dict__)
        finally:
            finish()
            run_exit_functions()
    except SystemExit as end:
        status = end.code
        if status is None:
            status = 0
        elif type(status) is not int:
            print(status, file=sys.stderr)
            status = 1
    except BaseException:
        status = 1
        sys.excepthook(*sys.exc_info())
    program.__dict__.clear()
    for stream in (sys.stdout, sys.stderr):
        try:
            stream.flush()
        except BaseException:
            status = status or 120
    leave(status & 255)


order, fds, libc, rules = serve(socket.socket(fileno=3))
source, task, result = enter(order, fds, libc, rules)
if task is None:
    run(source)
else:
    call(source, task, result)
