// Placeholder so that the target builds; the real files replace it.
