"""Doors for data: authored content in, team exports in, the workspace, workbooks out."""
