"""Paging while the database is away: from a roster on disk, with a journal, brought in later."""
