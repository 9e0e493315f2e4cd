"""The theme of dash-mantine-components: only what tokens cannot say; colours come from ``base.css``."""

from __future__ import annotations

from dashboard.components.palette import FONT


def mantine_theme() -> dict[str, object]:
    """The ``theme`` of ``dmc.MantineProvider``, equal for light and dark."""
    return {
        "fontFamily": FONT,
        "headings": {"fontFamily": FONT, "fontWeight": "600"},
        "fontSizes": {"xs": "12px", "sm": "14px", "md": "14px", "lg": "16px", "xl": "20px"},
        "defaultRadius": "4px",
        "primaryColor": "blue",
        "respectReducedMotion": True,
        "cursorType": "pointer",
    }
