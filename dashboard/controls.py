"""Compact forms of Material controls: an instrument panel has no room for thumb-sized buttons."""

SLIDER = {
    "& .MuiFormLabel-root, & .MuiTypography-root": {"fontSize": "11px", "lineHeight": 1.3},
    "& .MuiSlider-root": {"py": "8px"},
    "& .MuiSlider-thumb": {"width": 10, "height": 10},
    "& .MuiSlider-rail, & .MuiSlider-track": {"height": 2},
}
FIELD = {
    "& .MuiInputBase-input": {"fontSize": "12px", "padding": "5px 8px"},
    "& .MuiInputLabel-root": {"fontSize": "12px"},
    # The +/- buttons cost half of the field; arrow keys do the same.
    "& .MuiInputAdornment-root": {"display": "none"},
    "& .MuiInputBase-root": {"padding": 0},
}
CHIPS = {
    "& .MuiButtonBase-root": {
        "fontSize": "11px",
        "lineHeight": 1.4,
        "padding": "2px 8px",
        "textTransform": "none",
        "whiteSpace": "nowrap",
    },
}
BUTTON = {"fontSize": "11px", "minWidth": 0, "padding": "2px 6px", "textTransform": "none"}
