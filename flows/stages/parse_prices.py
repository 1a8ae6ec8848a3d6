"""What LlamaParse may cost: promised to the run's cap before a file is sent."""

from __future__ import annotations

from decimal import Decimal
from uuid import UUID

from blocks.assembly import Services
from pipeline.parsing.kinds import PICTURES, MediaType
from pipeline.store import costs

CREDITS_PER_PAGE = {"fast": 1, "cost_effective": 3, "agentic": 10, "agentic_plus": 45}
"""What a page costs by the vendor's list, for the cap; what is billed comes with the answer."""


async def promise_cost(
    services: Services, content: bytes, media_type: MediaType, run_id: UUID
) -> Decimal:
    """Promise the dollars that this file may cost: its pages as far as they can be counted."""
    pages = max(content.count(b"/Type /Page") + content.count(b"/Type/Page"), 1)
    if media_type in PICTURES:
        pages = 1 + (len(content) // 50_000 if media_type is MediaType.TIFF else 0)
    elif media_type is not MediaType.PDF:
        pages = 1 + len(content) // 5_000
    rate = CREDITS_PER_PAGE[services.settings.llama_cloud_tier]
    promise = rate * pages * services.settings.llama_cloud_usd_per_credit
    async with services.database.service() as connection:
        return await costs.reserve_cost(connection, run_id, promise)
