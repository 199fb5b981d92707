"""Projects that are made, and plans for where they run."""
