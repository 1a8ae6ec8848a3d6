"""Embeddings made on this machine: static vectors, or an ONNX model."""
