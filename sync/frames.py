"""Frames: what crosses the wire, as bytes and back. No I/O."""
