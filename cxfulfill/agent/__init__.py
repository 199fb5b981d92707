"""The exported agent beside the webhook: what it calls, with what, and whether the webhook fits. For developers."""
