"""What a node and central say to each other: frames, the session (both without I/O), the agent, and central itself.

It may import `appliance.journal`, `sealing`, `records`, `catalogue`, `certificates` and `access`; only `sync.agent` and
`sync.courier` may also import `appliance.store`. `sync.central` never opens a node's store or a device.
"""
