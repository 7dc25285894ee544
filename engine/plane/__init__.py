"""What a picture of many points needs: order, index, raster, lasso, pick."""
