"""Compliance: controls for HIPAA's safeguards and the GDPR's articles, and the evidence of each."""
