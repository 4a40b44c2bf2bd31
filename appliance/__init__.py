"""The node's core: the journal, the sealed store, who may act, and the case work.

It knows no terminal, no wire and no USB. Its parts, each leaning only on the ones before it:
`journal` (pure), `sealing` (the age format, key slots), `records` (tables and the fold), `access.session`,
`store` (the commit, the blob folder), `access` (operators, roles, four eyes), `casework` (the verbs).

It imports nothing of ours from outside `appliance`; `appliance.journal` imports only the standard library,
cryptography and msgspec.
"""
