"""The float64 reference of the model and the golden files made with it."""
