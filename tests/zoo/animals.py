"""The zoo: notebooks built in code, one kind of thing a cell can do in each cell.

`NOTEBOOKS` maps a name to its cells; a cell is its source, or a pair of source and tags. Cells of one notebook share
a kernel, as everywhere. `KNOWN` says what is not equal and why; such cells are not in the zoo.
"""

from __future__ import annotations

from typing import Any

import nbformat

Cell = str | tuple[str, ...]

EXPECTED = "raises-exception"

NOTEBOOKS: dict[str, list[Cell]] = {
    "results": [
        "1 + 1",
        "'text', b'bytes', None, 1.5, float('nan'), {'a': [1, 2]}, {3, 1, 2}",
        "x = 1",
        "x;",
        "_, _1, Out[1], In[1]",
        "None",
        "class Shown:\n    def _repr_html_(self): return '<b>bold</b>'\n    def __repr__(self): return 'plain'\nShown()",
        ("class Bad:\n    def __repr__(self): raise ValueError('no repr')\nBad()", EXPECTED),
        "def f(a: int = 1) -> str:\n    'Doc.'\n    return 'x'\nf",
        "range(3), type(f), [i for i in range(2000)]",
        "'snowman ☃, Zürich, 日本語, emoji 👩‍🔬, rtl שלום'",
        "import math; math.pi",
        "x: int = 4\nx, __annotations__",
        "",
        "# only a comment",
    ],
    "streams": [
        "print('out')",
        "import sys; print('err', file=sys.stderr)",
        "print('a'); print('b', end=''); sys.stdout.flush(); print('c')",
        "print('ünï ☃ 日本語'); print('tab\\tbell\\a return\\rdone')",
        "sys.stdout.write('written\\n')",
        "import os; _ = os.system('echo from a shell')",
        "import subprocess; print(subprocess.run(['echo', 'child'], capture_output=True, text=True).stdout)",
        "import time; _ = os.write(1, b'to the descriptor\\n'); time.sleep(0.5)",  # a kernel reads it in a thread
        "import logging; logging.warning('logged'); logging.getLogger('mine').error('too')",
        "import warnings; warnings.warn('mind this')",
        "import threading\nt = threading.Thread(target=lambda: print('from a thread')); t.start(); t.join()",
        "for i in range(2000): print(i)",
        "print('x' * 100_000)",
        "sys.stdin.read(), sys.stdin.isatty(), sys.stdout.isatty()",
        "sys.displayhook(3)",
    ],
    "large": ["print('0123456789' * 5_000_000)", "for i in range(50_000): print('line', i)", "print('still here')"],
    "errors": [
        ("1 / 0", EXPECTED),
        ("def deep(n):\n    return 1 / n if n < 1 else deep(n - 1)\ndeep(3)", EXPECTED),
        ("def broken(:", EXPECTED),
        ("raise ValueError('ünï')", EXPECTED),
        ("try:\n    int('x')\nexcept ValueError as error:\n    raise KeyError('k') from error", EXPECTED),
        ("raise ExceptionGroup('many', [ValueError(1), TypeError(2)])", EXPECTED),
        ("undefined_name", EXPECTED),
        ("import no_such_module", EXPECTED),
        ("input('name? ')", EXPECTED),
        ("import getpass; getpass.getpass()", EXPECTED),
        ("raise KeyboardInterrupt", EXPECTED),
        ("%no_such_magic", EXPECTED),
        ("import pandas as pd; pd.DataFrame({'a': [1]})['b']", EXPECTED),
        ("assert 1 == 2, 'not so'", EXPECTED),
        ("await no_such_coroutine()", EXPECTED),
        "print('and on')",
    ],
    "stops_at_an_error": ["print('before')", "y = 1\n\nraise RuntimeError('here')", "print('never')"],
    "exits": ["print('before')", "import sys; sys.exit()", "print('after')"],
    "exits_with_a_code": ["import sys; sys.exit(3)", "print('never')"],
    "quits": ["print('x')", "quit()", "print('y')"],
    "display": [
        "from IPython.display import *",
        "display('a', 2)",
        "handle = display({'text/plain': 'first'}, raw=True, display_id='known')",
        "update_display({'text/plain': 'changed', 'text/html': '<i>c</i>'}, raw=True, display_id='known')",
        "other = display('one', display_id=True); other.update('two')",
        "for i in range(3):\n    clear_output(wait=True)\n    print(i)",
        "print('gone'); clear_output(); print('kept')",
        "display(HTML('<b>h</b>'), Markdown('# m'), JSON({'a': 1}), Latex('$x$'), SVG('<svg></svg>'))",
        "Image(data=b'\\x89PNG\\r\\n\\x1a\\n' + bytes(20), format='png')",
        "Javascript('1')",
        "display({'application/json': {'a': 1}, 'text/plain': 'j'}, raw=True, metadata={'m': 1})",
        "publish_display_data({'text/plain': 'p'})",
        "ProgressBar(3)",
    ],
    "magics": [
        "%time sum(range(10))",
        "%%time\nx = sum(range(10))\nx",
        "%pwd",
        "%env ZOO_ANIMAL=cat",
        "%%capture caught\nprint('hidden')",
        "caught.stdout",
        "%%bash\necho from bash; echo to stderr 1>&2",
        "!echo shell",
        "lines = !printf 'a\\nb\\n'\nlines",
        "%%writefile zoo_file.txt\ncontent",
        "%cat zoo_file.txt",
        "%precision 3\n3.14159265",
        "%whos int",
        "%who_ls",
        "%%html\n<b>bold</b>",
        "%%javascript\nalert(1)",
        "%%python\nprint('another python')",
        "%%script true\n",
        "%config InlineBackend",
        "%load_ext autoreload\n%autoreload 0",
        "%lsmagic",
        "str?",
        "%history -n 1-2",
        "%reset -f\n'x' in globals()",
        ("%matplotlib inline", EXPECTED),
        ("import matplotlib.pyplot as plt; _ = plt.plot([1, 2])", EXPECTED),
        "get_ipython().run_cell('print(1)').success",
        "%timeit -n1 -r1 -q pass",
        "%%prun -q\npass",
    ],
    "awaits": [
        "import asyncio\nawait asyncio.sleep(0.01)\n'slept'",
        "async def f(): return 7\nawait f()",
        "await asyncio.gather(f(), f())",
        "task = asyncio.create_task(f())",
        "await task",
        "asyncio.get_running_loop().is_running()",
        ("asyncio.run(f())", EXPECTED),
        "async with asyncio.timeout(1):\n    print('inside')",
        "[x async for x in (await asyncio.sleep(0, i) for i in range(3))]",
        "task = asyncio.create_task(asyncio.sleep(0)); task.add_done_callback(lambda t: print('done'))",
        "await task; await asyncio.sleep(0.05)",
    ],
    "tables": [
        "import numpy as np, pandas as pd",
        "pd.__version__, np.__version__",
        "frame = pd.DataFrame({'a': [1, 2], 'ü': ['x', None], 'd': pd.to_datetime(['2026-01-01', None])})\nframe",
        "frame.style.format({'a': '{:.1f}'}).set_uuid('zoo').background_gradient() if False else frame.dtypes",
        "frame.style.format({'a': '{:.1f}'}, na_rep='-').hide(axis='index').set_uuid('zoo')",
        "frame.style.set_uuid('zoo').highlight_max(subset=['a'], color='#eee').set_caption('Captioned')",
        "frame.describe()",
        "pd.DataFrame(np.arange(4000).reshape(1000, 4), columns=list('wxyz'))",
        "frame['a']",
        "np.arange(2000).reshape(40, 50)",
        "pd.options.display.max_rows, pd.options.plotting.backend",
        "np.random.seed(1); np.random.rand(3), np.random.default_rng(2).normal(size=2)",
        "frame.info()",
        "pd.Interval(0, 1), pd.Timestamp('2026-01-01'), pd.Categorical(['a', 'b'])",
        "np.linalg.inv(np.eye(3) * 2), float((np.ones((300, 300)) @ np.ones((300, 300))).sum())",
    ],
    "plotly": [
        "import plotly.express as px, plotly.graph_objects as go, plotly.io as pio",
        "pio.renderers, pio.templates.default",
        "go.Figure([go.Bar(x=['a', 'b'], y=[1, 2.5])], {'title': 'Bars'})",
        "go.Figure(go.Scatter(x=[1, 2], y=[3, None], mode='markers')).show()",
        "px.line(x=[1, 2, 3], y=[2, 1, 3], title='ü')",
        "px.scatter(px.data.iris().head(20), x='sepal_width', y='sepal_length', color='species')",
        "go.Figure(go.Heatmap(z=[[1, float('nan')], [3, 4]])).update_layout(template='plotly_dark')",
        "import numpy as np; go.Figure(go.Scatter(y=np.arange(1000) / 7))",
    ],
    "widgets": [
        "import ipywidgets as widgets\nfrom IPython.display import display",
        "slider = widgets.IntSlider(3, description='Level')\nslider",
        "box = widgets.VBox([widgets.Label('L'), widgets.Text('t'), widgets.Checkbox(True)])\nbox",
        "out = widgets.Output()\nout",
        "with out:\n    print('inside'); display('shown')",
        "out.append_stdout('appended'); out.outputs",
        "slider.value = 7; slider.value",
        "widgets.interactive(lambda a: print(a), a=(0, 3))",
        "w = widgets.Image(value=b'bytes', format='png')\nw",
        "widgets.Dropdown(options=['ü', 'b'])",
        "import plotly.graph_objects as go; go.FigureWidget([go.Bar(y=[1])])",
    ],
    "process": [
        "import os, sys",
        "__name__, __doc__, '__file__' in globals()",
        "sorted(name for name in globals() if not name.startswith('_i'))",
        "sys.argv[0].rpartition('/')[2], sys.argv[1], sys.argv[3:], len(sys.argv)",
        "sys.path",
        "sys.flags",
        "sys.getrecursionlimit(), sys.getswitchinterval(), sys.gettrace(), sys.getprofile()",
        "sorted(name for name in os.environ)",
        "sorted(item for item in os.environ.items() if item[0] not in ('JPY_PARENT_PID', '_'))",
        "os.path.basename(os.getcwd()), os.getpgrp() == os.getpid(), os.getsid(0) == os.getpid()",
        "type(get_ipython()).__name__, get_ipython().kernel.session.username",
        "sorted(get_ipython().config), get_ipython().execution_count",
        (
            "import signal; [(s.name, str(signal.getsignal(s))) for s in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD,"
            " signal.SIGPIPE)]"
        ),
        "import logging; logging.root.handlers, logging.root.level, logging.getLogger('papermill').level",
        "import locale; locale.getlocale(), sys.getdefaultencoding(), sys.stdout.encoding, sys.stdout.name",
        "sys.ps1 if hasattr(sys, 'ps1') else None, sys.excepthook.__qualname__, sys.displayhook.__class__.__name__",
        "import resource; resource.getrlimit(resource.RLIMIT_NOFILE), resource.getrlimit(resource.RLIMIT_DATA)",
        "import pdb; pdb.Pdb.__module__",
        "import tqdm.auto; tqdm.auto.tqdm.__name__, tqdm.auto.tqdm.__module__",
        "import multiprocessing as mp; mp.current_process().name, mp.get_start_method()",
        "def work(q): q.put(os.getpid() != mp.current_process()._parent_pid)",
        (
            "q = mp.get_context('fork').SimpleQueue(); p = mp.get_context('fork').Process(target=work, args=(q,));"
            " p.start(); print(q.get()); p.join(); p.exitcode"
        ),
        "from concurrent.futures import ThreadPoolExecutor\nlist(ThreadPoolExecutor(2).map(str, range(3)))",
        "import sqlite3; sqlite3.connect(':memory:').execute('select 1').fetchone()",
        "import pickle; pickle.loads(pickle.dumps(work)) is work",
        "import __main__; __main__.__dict__ is globals(), __main__.__name__",
        "import inspect; inspect.getsource(work)",
        "import atexit; _ = atexit.register(lambda: open('exit_hook_ran', 'w').close())",
    ],
    "kit": [
        "import playbook\nplaybook.__version__, playbook.__file__",
        "model = playbook.load('spectrum')\ntype(model).__name__",
        "from playbook.report import show\nsorted(name for name in dir(show) if not name.startswith('_'))[:5]",
    ],
    "skips": [("print('kept and shown')", "remove-cell"), ("print('hidden')", "hide-input"), "print('plain')"],
    "breakpoint": ["x = 1\nbreakpoint()\nx"],
    "dies": ["print('alive', flush=True)", "import os, time; time.sleep(0.5); os._exit(7)", "print('never')"],
    "dies_by_signal": [
        "import os, signal, time; time.sleep(0.5); os.kill(os.getpid(), signal.SIGKILL)",
        "print('never')",
    ],
    "endless": ["print('begins')", "n = 0\nwhile True:\n    n += 1", "print('never')"],
    "sleeps": ["import time\nprint('sleeping', flush=True)\ntime.sleep(600)"],
    "parameters": [("a = b = c = d = e = f = g = h = None", "parameters"), "[a, b, c, d, e, f, g, h]"],
}

PARAMETERS: dict[str, dict[str, Any]] = {
    "parameters": {
        "a": 1, "b": -2.5, "c": "ünï 'quoted' \"twice\" \\ new\nline", "d": True, "e": None,
        "f": [1, "x", [None, False]], "g": {"k": {"n": 1.5}, "ü": []}, "h": float("inf"),
    },
}  # fmt: skip

TIMEOUTS = {"endless": 2, "sleeps": 2}


def build(name: str) -> nbformat.NotebookNode:
    """One notebook of the zoo."""
    cells = [nbformat.v4.new_markdown_cell(f"# {name}", id="title")]
    for number, cell in enumerate(NOTEBOOKS[name]):
        source, *tags = (cell,) if isinstance(cell, str) else cell
        cells.append(nbformat.v4.new_code_cell(source, id=f"cell{number}", metadata={"tags": tags}))
    kernel = {"name": "python3", "display_name": "Python 3", "language": "python"}
    return nbformat.v4.new_notebook(cells=cells, metadata={"kernelspec": kernel})
