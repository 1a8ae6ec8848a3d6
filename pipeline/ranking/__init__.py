"""What ranked passages are worth: fusing the rankings of meaning and words, and relevance."""
