"""Training of the small models: tokenizer, model, optimizer, export."""
