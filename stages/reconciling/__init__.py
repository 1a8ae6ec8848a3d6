"""Maintenance (reconciliation): looks for damage, repairs what is safe, reports what is left."""
