"""Watches the installation: reads figures off, judges them, and hands on what a person should know.

What is unusual and what is to be expected is decided in `pipeline.foresight`.
"""
