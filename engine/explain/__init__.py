"""Why is this object strange: from one spectrum and its scores to a paragraph of plain words."""
