"""Cameras by V4L2: libv4l2 takes the picture, in a process of its own."""
