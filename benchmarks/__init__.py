"""Measurements of the whole board, side by side in one run: ``make bench``."""
