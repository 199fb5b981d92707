"""Plans for Cloud Run: what is to be deployed, as commands of ``gcloud`` and as Terraform."""
