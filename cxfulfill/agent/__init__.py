"""The agent: its exported form, and its webhook resources from what the application says of itself."""
