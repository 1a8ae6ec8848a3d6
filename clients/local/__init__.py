"""Embedders on this machine: static vectors, or an ONNX model."""
