"""Measurements and drills on services of their own: what `doorguard bench` runs."""
