"""Networks out of files: configs, tensors, devices, downloads."""
