"""RFC 9421 message signatures by the node key."""
