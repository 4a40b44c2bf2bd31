"""Widgets of the console: the editors of a form, tables, and what shows a paper."""
