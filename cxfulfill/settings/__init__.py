"""Settings from the environment: the table, the variables as they are read, and the policies that they make."""
