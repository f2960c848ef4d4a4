"""Correlation: the file of rules that makes incidents of events; see docs/rules.md."""
