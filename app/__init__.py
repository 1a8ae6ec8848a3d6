"""The application: command line, HTTP API, worker and local stack over `stages` and `flows`."""
