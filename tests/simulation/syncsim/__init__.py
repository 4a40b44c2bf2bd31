"""A deterministic world of nodes, a central and the links between them, drawn from one seed.

The shipped code runs in it: store, commit, fold, frames, session, agent, archive, ingest, index, orders. Around it are
databases and sealed files in memory, a clock that only the schedule moves, randomness of the seed, and a power switch
for each machine. What is written is durable exactly when the shipped code was told that it is.

    python -m tests.simulation.syncsim SEED     runs one schedule again, and prints every step of it
"""
