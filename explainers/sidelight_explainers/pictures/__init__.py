"""Explanations as pictures: HTML, SVG and PNG that need nothing from elsewhere."""
