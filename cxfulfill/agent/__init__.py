"""The agent beside the webhook: its exported form, whether they fit, and its webhook resources. For developers."""
