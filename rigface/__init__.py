"""RigFace: change a face's expression, pose and light while the person stays (Wei et al. 2025, arXiv 2502.02465)."""
