"""Incidents and their life, responders, ranking, paging, escalation, the logs."""
