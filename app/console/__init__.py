"""The screens: the operators' board, signing in, and the responder's page."""
