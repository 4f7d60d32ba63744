"""Programs of derivatives."""
