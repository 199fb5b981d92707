"""The documentation site, built once and looked at."""
