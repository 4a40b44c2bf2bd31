"""The journal: entries, their typed bodies, the Merkle tree, checkpoints and proofs. Pure: values in, values out.

It guarantees that a change to any past entry shows against a signed checkpoint. It does not say that what an entry
claims is true, nor when it really happened: a node's clock is a claim.
"""
