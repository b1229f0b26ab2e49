"""The door to readers: notebooks run in batch and bound into reports, figures, tables and text of a page.

`look` holds the colours and words every page shares, `show` what notebook cells call, `figures` one function a
figure, `page` the writer of self-contained reports.
"""
