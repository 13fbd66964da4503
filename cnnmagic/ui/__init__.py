"""The pixels: charts as SVG text, panels and the live dashboard."""
