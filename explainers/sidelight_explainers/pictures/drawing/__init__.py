"""A page laid out as shapes on a sheet, for SVG and PNG."""
