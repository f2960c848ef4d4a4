"""The broker and the database that come with the product, for one machine, a demo, or a test."""
