"""The palettes as a Material theme: quiet app bar, dense controls, our own type."""

from typing import Any

from .theme import DARK, LIGHT, SANS, Palette


def material_theme() -> dict[str, Any]:
    """Return the `theme_config` of the page, for both colour schemes."""
    return {"light": _scheme(LIGHT), "dark": _scheme(DARK)}


def _scheme(palette: Palette) -> dict[str, Any]:
    bar = {
        "backgroundColor": palette.panel,
        "backgroundImage": "none",
        "color": palette.text,
        "boxShadow": "none",
        "borderBottom": f"1px solid {palette.grid}",
        # The page colours its title for a bar in the primary colour; ours is the panel's.
        "& .title": {"color": f"{palette.text} !important", "fontSize": "17px", "fontWeight": 600},
        "& svg": {"color": palette.text},
    }
    flat = {"backgroundColor": palette.panel, "backgroundImage": "none"}
    hint = {"&::placeholder": {"color": palette.muted, "opacity": 1}}
    small = {"fontSize": "12px", "lineHeight": 1.5, "textTransform": "none"}
    return {
        "palette": {
            "mode": palette.name,
            "primary": {"main": palette.accent},
            "background": {"default": palette.background, "paper": palette.panel},
            "text": {"primary": palette.text, "secondary": palette.muted},
            "divider": palette.grid,
        },
        "typography": {"fontFamily": SANS, "fontSize": 12},
        "components": {
            "MuiAppBar": {"styleOverrides": {"root": bar}},
            "MuiToolbar": {"styleOverrides": {"root": {"minHeight": "48px !important"}}},
            "MuiDrawer": {"styleOverrides": {"paper": flat}},
            "MuiInputBase": {"styleOverrides": {"root": {"color": palette.text}, "input": hint}},
            "MuiFormControlLabel": {"styleOverrides": {"label": small, "root": {"margin": 0}}},
            "MuiRadio": {"styleOverrides": {"root": {"padding": "2px 6px 2px 0"}}},
            "MuiSvgIcon": {"styleOverrides": {"root": {"fontSize": "18px"}}},
            "MuiToggleButton": {
                "styleOverrides": {"root": {**small, "padding": "2px 7px", "whiteSpace": "nowrap"}}
            },
            "MuiButton": {"styleOverrides": {"root": {**small, "padding": "2px 10px"}}},
            "MuiTab": {"styleOverrides": {"root": {**small, "minHeight": "34px"}}},
            "MuiTabs": {"styleOverrides": {"root": {"minHeight": "34px"}}},
        },
    }
