"""What is done to make a release."""
