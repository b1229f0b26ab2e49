"""The workspace's migrations; each file in `versions` is frozen once a release carries it.

A new column: declare it in `playbook/tables`, write the next version's file, add its number to `schema.VERSIONS`. A
test compares a migrated database with one made from the data dictionary, and opens the frozen workspaces in
`tests/data`.
"""
