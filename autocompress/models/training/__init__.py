"""The one trainer: the reference model, fine-tuning and distillation."""
