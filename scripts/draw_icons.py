"""Draw the icons of the installed page from ui/page/static/icon.svg: run it after changing that.

python scripts/draw_icons.py
"""

from __future__ import annotations

import shutil
from pathlib import Path

from playwright.sync_api import sync_playwright

STATIC = Path(__file__).resolve().parents[1] / "ui" / "page" / "static"
BACK = "#0f766e"

ICONS = {"icon-192.png": (192, 1.0, "transparent"), "icon-512.png": (512, 1.0, "transparent")} | {
    # Systems cut these into circles and squares: the drawing stays in the middle, the colour reaches the edges.
    "maskable-512.png": (512, 0.8, BACK),
    "touch-180.png": (180, 0.86, BACK),
}
"""Name -> side in pixels, share of it that the drawing has, colour behind it."""


def main() -> None:
    """Write the files."""
    browser_path = shutil.which("chromium-headless-shell") or shutil.which("chromium")
    (STATIC / "pwa").mkdir(exist_ok=True)
    drawing = (STATIC / "icon.svg").read_text(encoding="utf-8")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=browser_path, args=["--no-sandbox"])
        for name, (side, share, colour) in ICONS.items():
            page = browser.new_page(viewport={"width": side, "height": side})
            style = f"margin:0;height:{side}px;display:grid;place-items:center;background:{colour}"
            size = round(side * share)
            page.set_content(
                f"<body style='{style}'>{drawing.replace('<svg ', f'<svg width={size} height={size} ', 1)}"
            )
            page.screenshot(path=STATIC / "pwa" / name, omit_background=True)
            page.close()
        browser.close()


if __name__ == "__main__":
    main()
