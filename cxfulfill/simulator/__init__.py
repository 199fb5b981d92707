"""Dialogflow CX's side of a webhook, for tests and for trying things on one's own machine."""
