"""The edges: servers and frameworks."""
