"""Prose: where the sentences of pages are, a file a language under templates/prose."""

from __future__ import annotations

from pathlib import Path

__all__ = ["TEMPLATES", "languages"]

_HERE = Path(__file__).parent
TEMPLATES = next(p for p in (_HERE / "templates", _HERE.parent / "templates") if p.is_dir())


def languages(own: Path | None = None) -> list[str]:
    """Those that there are sentences in, among one's own templates too."""
    folders = [TEMPLATES, own] if own else [TEMPLATES]
    return sorted({path.stem for folder in folders for path in (folder / "prose").glob("*.jinja")})
