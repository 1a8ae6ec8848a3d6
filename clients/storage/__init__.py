"""Object storage: a local folder, S3, Google Cloud Storage, Azure."""
