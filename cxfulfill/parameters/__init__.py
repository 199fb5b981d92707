"""From CX's values to the user's types."""
