"""One file per view, each a plain draw function and a Viewer."""
