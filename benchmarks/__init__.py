"""Speed and memory, as ratios to floors measured beside them: `python -m benchmarks`."""
