"""Right programs as people write them for contests, each with one input.

What they print is what ``python solution.py < input`` prints; the sandbox has to agree.
"""

from __future__ import annotations

NUMBERS = "3\n10 20 30\n"

# Fast: one process for all inputs is enough, and is taken.
FAST: dict[str, tuple[str, str]] = {
    "main-guard": (
        """
def main():
    n = int(input())
    print(sum(map(int, input().split())) // n)

if __name__ == "__main__":
    main()
""",
        NUMBERS,
    ),
    "who-am-i": ("import sys\nprint(sys.argv, __name__, __file__.split('/')[-1])", ""),
    "read-all": ("import sys\nprint(sum(map(int, sys.stdin.read().split())))", NUMBERS),
    "readlines": ("import sys\nlines = sys.stdin.readlines()\nprint(len(lines), lines)", "a\nb"),
    "line-by-line": (
        "import sys\nfor line in sys.stdin:\n    print(line.rstrip()[::-1])",
        "ab\n\ncd",
    ),
    "stdin-buffer": (
        "import sys\ninput = sys.stdin.buffer.readline\nn = int(input())\n"
        "print(n, *map(int, input().split()), input())",
        NUMBERS,
    ),
    "stdout-buffer": (
        "import sys\nout = sys.stdout.buffer\nout.write(b'%d\\n' % len(sys.stdin.buffer.read()))\n"
        "out.flush()",
        NUMBERS,
    ),
    "until-end": (
        "total = 0\ntry:\n    while True:\n        total += int(input())\n"
        "except EOFError:\n    print(total)",
        "1\n2\n3",
    ),
    "lambda-input": (
        "import sys\ninput = lambda: sys.stdin.readline().rstrip('\\r\\n')\n"
        "print(repr(input()), repr(input()), repr(input()))",
        "a b \r\nc\n",
    ),
    "exit-called": ("print(int(input()) + 1)\nexit()\nprint('never')", NUMBERS),
    "exit-zero": ("if input() == '3':\n    print('three')\n    exit(0)\nprint('no')", NUMBERS),
    "quit-called": ("def solve():\n    print(1)\n    quit()\nsolve()", ""),
    "sys-exit-none": ("import sys\nprint(2)\nsys.exit()", ""),
    "sys-exit-false": ("import sys\nprint(2)\nsys.exit(False)", ""),
    "raise-system-exit": ("print(3)\nraise SystemExit", ""),
    "original-stdout": (
        "import sys\nprint(sys.__stdin__.readline(), end='', file=sys.__stdout__)",
        NUMBERS,
    ),
    "swapped-stdout": (
        "import io, sys\nold = sys.stdout\nsys.stdout = io.StringIO()\nprint('hidden')\n"
        "text = sys.stdout.getvalue()\nsys.stdout = old\nprint(text.upper())",
        "",
    ),
    "kept-away": (
        "import io, sys\nprint('seen')\nsys.stdout = io.StringIO()\nprint('hidden')",
        "",
    ),
    "swapped-stdin": (
        "import io, sys\nsys.stdin = io.StringIO('7 8')\nprint(sum(map(int, input().split())))",
        NUMBERS,
    ),
    "redirected": (
        "import contextlib, io\nwith contextlib.redirect_stdout(io.StringIO()) as out:\n"
        "    print('x')\nprint(len(out.getvalue()))",
        "",
    ),
    "wrapped-stdout": (
        "import io, sys\nsys.stdout = io.TextIOWrapper(sys.stdout.buffer, encoding='utf-8')\n"
        "print('é')",
        "",
    ),
    "closed-stdout": ("import sys\nsys.stdout.write('last\\n')\nsys.stdout.close()", ""),
    "stderr": (
        "import sys\nprint('debug', file=sys.stderr)\nsys.stderr.buffer.write(b'x')\n"
        "sys.stderr.flush()\nprint('out')",
        "",
    ),
    "prompt": ("name = input('name? ')\nprint('hello', name)", "Ada\n"),
    "no-newline-at-end": ("print(input() + input(), end='')", "a\nb"),
    "carriage-returns": ("a = input()\nb = input()\nprint(repr(a), repr(b))", "1\r\n2\r\n"),
    "lone-carriage-return": ("print(repr(input()))", "1\r2\n"),
    "byte-order-mark": ("print(ascii(input()))", "\ufeff12\n"),
    "bom-stripped": ("print(int(input().lstrip('\\ufeff')))", "\ufeff12\n"),
    "other-alphabets": ("print(input()[::-1])", "żółw 漢字 🐢\n"),
    "line-separators": (
        "import sys\nprint(len(sys.stdin.readlines()))",
        "a\x0bb\x0cc\u2028d\x85e\n",
    ),
    "linesep": ("import sys\nsys.stdout.write('a' + chr(10) + 'b')", ""),
    "deep-recursion": (
        "import sys\nsys.setrecursionlimit(10**6)\n"
        "def depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)\nprint(depth(50000))",
        "",
    ),
    "default-recursion": (
        "def depth(n):\n    return 0 if n == 0 else 1 + depth(n - 1)\n"
        "print(depth(997))\n"
        "try:\n    depth(999)\nexcept RecursionError:\n    print('too deep')",
        "",
    ),
    "long-integers": (
        "import sys\nsys.set_int_max_str_digits(0)\nprint(len(str(7 ** 20000)))",
        "",
    ),
    "stack-limit": (
        "import resource, sys\n"
        "resource.setrlimit(resource.RLIMIT_STACK, (resource.RLIM_INFINITY,) * 2)\n"
        "sys.setrecursionlimit(1 << 20)\nprint(input())",
        NUMBERS,
    ),
    "dataclass-and-pickle": (
        "import pickle\nfrom dataclasses import dataclass\n@dataclass(order=True)\nclass P:\n"
        "    x: int\nprint(pickle.loads(pickle.dumps(P(3))), sorted([P(2), P(1)]))",
        "",
    ),
    "annotations": ("n: int = int(input())\nprint(n, __annotations__)", NUMBERS),
    "doctest": (
        "def double(x):\n    '''\n    >>> double(2)\n    4\n    '''\n    return 2 * x\n"
        "import doctest\nprint(doctest.testmod())",
        "",
    ),
    "traceback-printed": (
        "import sys, traceback\ntry:\n    1 / 0\nexcept ZeroDivisionError:\n"
        "    traceback.print_exc(file=sys.stdout)",
        "",
    ),
    "main-imported": ("x = 5\nimport __main__\nprint(__main__.x)", ""),
    "exec-of-input": ("exec(input())", "print(sum(range(5)))\n"),
    "walrus-loop": (
        "import sys\nwhile (line := sys.stdin.readline()):\n    print(len(line))",
        "abc\n\nx",
    ),
}

# With real streams: a process of its own for each input.
STREAMS: dict[str, tuple[str, str]] = {
    "thread-not-joined": (
        """
import sys, threading
sys.setrecursionlimit(10**6)
threading.stack_size(1 << 27)

def main():
    def depth(n):
        return 0 if n == 0 else 1 + depth(n - 1)
    print(depth(20000), input())

threading.Thread(target=main).start()
""",
        NUMBERS,
    ),
    "thread-prints-late": (
        "import threading, time\ndef late():\n    time.sleep(0.1)\n    print('second')\n"
        "threading.Thread(target=late).start()\nprint('first')",
        "",
    ),
    "thread-of-a-thread": (
        "from threading import Thread\nimport time\ndef a():\n    time.sleep(0.05)\n"
        "    Thread(target=b).start()\ndef b():\n    time.sleep(0.05)\n    print('b')\n"
        "Thread(target=a).start()",
        "",
    ),
    "timer": ("import threading\nthreading.Timer(0.05, lambda: print('rang')).start()", ""),
    "daemon-thread": (
        "import threading, time\ndef forever():\n    while True:\n        time.sleep(0.01)\n"
        "threading.Thread(target=forever, daemon=True).start()\nprint(input())",
        NUMBERS,
    ),
    "thread-that-fails": (
        "import threading\ndef bad():\n    raise ValueError('only this thread')\n"
        "t = threading.Thread(target=bad)\nt.start()\nt.join()\nprint('fine')",
        "",
    ),
    "thread-pool": (
        "from concurrent.futures import ThreadPoolExecutor\n"
        "with ThreadPoolExecutor(4) as pool:\n    print(sum(pool.map(int, input().split())))",
        "1 2 3\n",
    ),
    "thread-pool-not-closed": (
        "import concurrent.futures as cf\npool = cf.ThreadPoolExecutor(2)\n"
        "pool.submit(lambda: print('late'))",
        "",
    ),
    "at-exit": (
        "import atexit\nout = []\natexit.register(lambda: print('\\n'.join(out)))\n"
        "for word in input().split():\n    out.append(word)",
        "a b\n",
    ),
    "at-exit-order": (
        "import atexit, sys\natexit.register(print, 'last')\n@atexit.register\ndef bye():\n"
        "    print('first')\nsys.exit(0)",
        "",
    ),
    "fast-io-of-contests": (
        """
import os, sys
from io import BytesIO, IOBase

BUFSIZE = 8192

class FastIO(IOBase):
    newlines = 0

    def __init__(self, file):
        self._fd = file.fileno()
        self.buffer = BytesIO()
        self.writable = "x" in file.mode or "r" not in file.mode
        self.write = self.buffer.write if self.writable else None

    def read(self):
        while True:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, BUFSIZE))
            if not b:
                break
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines = 0
        return self.buffer.read()

    def readline(self):
        while self.newlines == 0:
            b = os.read(self._fd, max(os.fstat(self._fd).st_size, BUFSIZE))
            self.newlines = b.count(b"\\n") + (not b)
            ptr = self.buffer.tell()
            self.buffer.seek(0, 2), self.buffer.write(b), self.buffer.seek(ptr)
        self.newlines -= 1
        return self.buffer.readline()

    def flush(self):
        if self.writable:
            os.write(self._fd, self.buffer.getvalue())
            self.buffer.truncate(0), self.buffer.seek(0)

class IOWrapper(IOBase):
    def __init__(self, file):
        self.buffer = FastIO(file)
        self.flush = self.buffer.flush
        self.writable = self.buffer.writable
        self.write = lambda s: self.buffer.write(s.encode("ascii"))
        self.read = lambda: self.buffer.read().decode("ascii")
        self.readline = lambda: self.buffer.readline().decode("ascii")

sys.stdin, sys.stdout = IOWrapper(sys.stdin), IOWrapper(sys.stdout)
input = lambda: sys.stdin.readline().rstrip("\\r\\n")

n = int(input())
print(n, sum(map(int, input().split())))
""",
        NUMBERS,
    ),
    "os-read-write": (
        "import os\ndata = os.read(0, os.fstat(0).st_size)\nos.write(1, data.upper())",
        "abc\n",
    ),
    "names-from-os": (
        "from os import read, write\nwrite(1, b'%d' % len(read(0, 100)))",
        "abc\n",
    ),
    "os-exit": ("import os, sys\nprint(input())\nsys.stdout.flush()\nos._exit(0)", NUMBERS),
    "os-linesep": ("import os\nprint('a', 'b', sep=os.linesep)", ""),
    "open-zero": ("print(sum(map(int, open(0).read().split())))", NUMBERS),
    "open-zero-lines": ("n, *rows = open(0)\nprint(int(n), rows)", NUMBERS),
    "open-zero-binary": ("*_, last = open(0, 'rb').read().split()\nprint(last)", NUMBERS),
    "open-dev-stdin": ("with open('/dev/stdin') as f:\n    print(f.read().split())", NUMBERS),
    "dev-stdin-as-stdin": (
        "import sys\nsys.stdin = open('/dev/stdin', 'r')\nprint(input(), input())",
        NUMBERS,
    ),
    "dev-stdin-twice": (
        "a = open('/dev/stdin').read()\nb = open('/dev/stdin').read()\nprint(a == b)",
        NUMBERS,
    ),
    "dev-stdin-by-path": (
        "from pathlib import Path\nprint(Path('/dev/stdin').read_text().split())",
        NUMBERS,
    ),
    "proc-stdin": ("print(open('/proc/self/fd/0').readline())", NUMBERS),
    "dev-stdout": ("with open('/dev/stdout', 'w') as f:\n    f.write('to the device\\n')", ""),
    "os-open-dev": (
        "import os\nfd = os.open('/dev/stdin', os.O_RDONLY)\nprint(os.read(fd, 99))",
        NUMBERS,
    ),
    "io-open-one": ("import io\nout = io.open(1, 'w')\nout.write('not closed, not flushed')", ""),
    "fdopen-one": (
        "import os\nout = os.fdopen(1, 'w')\nprint('by fdopen', file=out)",
        "",
    ),
    "sys-stdout-opened": ("import sys\nsys.stdout = open(1, 'w')\nprint('opened')", ""),
    "duplicated": (
        "import os, sys\nold = os.dup(1)\nos.close(1)\nos.write(old, b'through a copy')\n"
        "os.dup2(old, 1)",
        "",
    ),
    "fileinput": (
        "import fileinput\nfor line in fileinput.input():\n"
        "    print(fileinput.lineno(), line, end='')",
        NUMBERS,
    ),
    "mapped": (
        "import mmap\nm = mmap.mmap(0, 0, access=mmap.ACCESS_READ)\nprint(m.readline(), m[:2])",
        NUMBERS,
    ),
    "selected": (
        "import select, sys\nready = select.select([sys.stdin], [], [], 1)[0]\n"
        "print(len(ready), sys.stdin.readline())",
        NUMBERS,
    ),
    "is-a-terminal": (
        "import os, sys\nprint(sys.stdin.isatty(), os.isatty(1), sys.stdin.fileno())",
        "",
    ),
    "asyncio": (
        """
import asyncio

async def double(x):
    await asyncio.sleep(0.01)
    return 2 * x

async def main():
    print(await asyncio.gather(*map(double, map(int, input().split()))))

asyncio.run(main())
""",
        "1 2 3\n",
    ),
    "asyncio-in-threads": (
        "import asyncio\nasync def main():\n"
        "    loop = asyncio.get_running_loop()\n"
        "    print(await loop.run_in_executor(None, input), await asyncio.to_thread(input))\n"
        "asyncio.get_event_loop_policy().new_event_loop().run_until_complete(main())",
        NUMBERS,
    ),
    "signal-ignored": (
        "import signal\nsignal.signal(signal.SIGPIPE, signal.SIG_DFL)\n"
        "signal.signal(signal.SIGINT, signal.SIG_IGN)\nprint(input())",
        NUMBERS,
    ),
    "alarm": (
        "import signal, time\ndef ring(*_):\n    raise TimeoutError\n"
        "signal.signal(signal.SIGALRM, ring)\nsignal.setitimer(signal.ITIMER_REAL, 0.05)\n"
        "try:\n    time.sleep(5)\nexcept TimeoutError:\n    print('rang')",
        "",
    ),
    "object-at-exit": (
        "class Goodbye:\n    def __del__(self):\n        print('gone')\ng = Goodbye()\n"
        "print('here')",
        "",
    ),
    "circle-at-exit": (
        "class Goodbye:\n    def __del__(self):\n        print('gone')\n"
        "g = Goodbye()\ng.me = g\nprint('here')",
        "",
    ),
    "dropped-object": (
        "class Goodbye:\n    def __del__(self):\n        print('gone')\ng = Goodbye()\ndel g",
        "",
    ),
    "finalizer": (
        "import weakref\nclass A: pass\na = A()\nweakref.finalize(a, print, 'finalized')\n"
        "print('here')",
        "",
    ),
    "hidden-import": (
        "threads = __import__('thr' + 'eading')\nimport time\n"
        "threads.Thread(target=lambda: (time.sleep(0.05), print('late'))).start()",
        "",
    ),
    "hidden-descriptor": ("import sys\nprint(getattr(sys.stdin, 'file' + 'no')())", ""),
    "queue-and-threads": (
        "import queue, threading\nq = queue.Queue()\ndef work():\n    while True:\n"
        "        print(q.get())\n        q.task_done()\n"
        "threading.Thread(target=work, daemon=True).start()\n"
        "for word in input().split():\n    q.put(word)\nq.join()",
        "a b c\n",
    ),
    "console-encoding": ("import os, sys\nprint(os.getenv('NO_SUCH'), sys.stdout.encoding)", ""),
}

# Python ends these with a failure, whatever they printed before.
FAILING: dict[str, tuple[str, str]] = {
    "exit-with-message": ("import sys\nprint(1)\nsys.exit('message')", ""),
    "exit-with-code": ("print(1)\nexit(3)", ""),
    "exit-with-float": ("print(1)\nexit(0.0)", ""),
    "raises-at-the-end": ("print(1)\n1 / 0", ""),
    "end-of-input": ("print(1)\ninput()", ""),
    "prints-after-closing": ("import sys\nprint(1)\nsys.stdout.close()\nprint(2)", ""),
    "detached-stdout": (
        "import io, sys\nout = io.TextIOWrapper(sys.stdout.detach(), encoding='utf-8')\n"
        "out.write('written\\n')",
        "",
    ),
    "half-of-a-pair": ("print(1)\nprint('\\ud800')", ""),
    "hook-does-not-help": (
        "import sys\nprint(1)\nsys.excepthook = lambda *a: None\nraise ValueError",
        "",
    ),
    "os-exit-with-code": ("import os\nprint(1, flush=True)\nos._exit(3)", ""),
    "raises-with-a-thread": (
        "import threading\nthreading.Thread(target=lambda: print(1)).start()\n1 / 0",
        "",
    ),
}
