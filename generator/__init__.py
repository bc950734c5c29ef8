"""Teaching above the mathematics: specs, notations, worked examples, exercises, documents."""

__version__ = "0.1.0"
