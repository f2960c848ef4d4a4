"""Frames to findings: decode, motion, tracks, loitering, evidence. Knows no database."""
