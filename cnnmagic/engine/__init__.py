"""Plan to trained model: data, building, fitting. Keras itself is imported by `backend` alone, when first needed."""
