"""The database's structure: read from the catalogs, compared, and repaired where that is safe."""

from pipeline.store.structure.comparing import StructureDifference, differences
from pipeline.store.structure.facts import Fact, Partition, Structure
from pipeline.store.structure.reading import read_structure

__all__ = [
    "Fact",
    "Partition",
    "Structure",
    "StructureDifference",
    "differences",
    "read_structure",
]
