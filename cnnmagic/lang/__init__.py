"""The language of a `%%cnn` cell: text to plan and back, without Keras."""
