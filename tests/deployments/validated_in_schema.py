"""Validates manifests in an environment of its own; see `tests/manifests.lock`.

Reads YAML documents from stdin and prints a line for each that Kubernetes' own schema refuses.
"""

from __future__ import annotations

import sys

import kubernetes_validate  # type: ignore[import-not-found]  # of that environment
import yaml

VERSION = "1.34"


def main() -> None:
    """Print what is wrong."""
    for document in yaml.safe_load_all(sys.stdin):
        name = f"{document['kind']}/{document['metadata'].get('name')}"
        try:
            kubernetes_validate.validate(document, VERSION, strict=True)
        except kubernetes_validate.ValidationError as error:
            sys.stdout.write(f"{name}: {error.message}\n")


if __name__ == "__main__":
    main()
