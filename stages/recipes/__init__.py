"""Recipes: published texts cut by other sizes beside what readers see, compared, exchanged."""
