"""The kernel of the kit's JupyterLab: ipykernel's own less its debugger, which is a sixth of an empty kernel's memory.

Started by its path, as ipykernel's own launcher is, so that no file beside a notebook can stand in for a library.
"""

from __future__ import annotations

import sys


def main() -> None:
    """Serve the connection file of the command line until the kernel is shut down."""
    from playbook.report.engine.preload import without_debugger  # noqa: PLC0415 - with the right search path

    with without_debugger():
        from ipykernel import kernelapp  # noqa: PLC0415
    kernelapp.launch_new_instance()


if __name__ == "__main__":
    del sys.path[0]  # the folder of this file
    main()
