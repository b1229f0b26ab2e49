"""Imported by a process that is to be forked: everything a driver needs, the warm kernel first.

The kernel before papermill: some modules that papermill loads choose a front end when first imported.
"""

# mypy: allow-untyped-calls, disable-error-code="import-untyped"
from __future__ import annotations

from playbook.report.engine import fitness, preload

preload.put_off()
with preload.uncollected():
    with preload.late_grammar():
        import jsonschema

    OBJECTION = fitness.why_not("python3", {})
    """Why drivers forked from here run no warm kernels; empty when they do."""

    import nbformat

    from playbook.report.engine import steps

    if not OBJECTION:
        from playbook.report.engine import client, kernel_process, saving

        # The first validation compiles the schema.
        nbformat.validate(nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell("1")]))

__all__ = ["OBJECTION", "client", "jsonschema", "kernel_process", "saving", "steps"]
