"""HTTP to outside services: certificates, SSRF protection, URLs, errors."""
