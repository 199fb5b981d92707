"""A retry never runs a handler twice."""
