"""What maintenance asks of Prefect: its deployments and its flow runs."""
