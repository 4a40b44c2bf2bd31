"""Central: the authority, the archive, the index, and the HTTPS side of the wire."""
