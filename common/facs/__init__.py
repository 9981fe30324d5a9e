"""The Facial Action Coding System: action units, expressions, what they look like."""
