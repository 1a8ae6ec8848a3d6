"""Makes `samples/files` from `samples/content`: the same bytes on every run.

python -m samples.make_samples [FOLDER]
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

from samples.rendering.damage import scan, truncate
from samples.rendering.docx import render_docx
from samples.rendering.html import render_html
from samples.rendering.pdf import render_pdf
from samples.rendering.source import SOURCE_SUFFIX, Source

SAMPLES = Path(__file__).parent
CONTENT = SAMPLES / "content"
FILES = SAMPLES / "files"


def render_text(document: Source) -> bytes:
    """Markdown and plain text are their own source; only encoding and line ends change."""
    line_end = document.settings.get("line_end", "\n")
    text = document.markdown.replace("\n", line_end)
    return text.encode(document.settings.get("encoding", "utf-8"))


RENDERERS: dict[str, Callable[[Source], bytes]] = {
    ".pdf": render_pdf,
    ".docx": render_docx,
    ".html": render_html,
    ".md": render_text,
    ".txt": render_text,
}
DAMAGES: dict[str, Callable[[bytes], bytes]] = {"scan": scan, "truncate": truncate}


def render(document: Source) -> bytes:
    """The file that a source describes."""
    made = RENDERERS[Path(document.file_name).suffix](document)
    damage = document.settings.get("damage")
    return DAMAGES[damage](made) if damage else made


def make_samples(folder: Path) -> list[Path]:
    """Write every sample into `folder` and return their paths, sorted by name."""
    folder.mkdir(parents=True, exist_ok=True)
    made = []
    for path in sorted(CONTENT.glob(f"*{SOURCE_SUFFIX}")):
        document = Source.read(path)
        target = folder / document.file_name
        target.write_bytes(render(document))
        made.append(target)
    return made


def main() -> None:
    """Entry point of `python -m samples.make_samples`."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FILES
    for path in make_samples(folder):
        print(f"{path.stat().st_size:>9,}  {path.name}")


if __name__ == "__main__":
    main()
