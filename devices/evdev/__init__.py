"""Pens of the kernel (pen displays and pen tablets as input devices): events, the device node, and the driver."""
