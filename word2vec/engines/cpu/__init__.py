"""The fused CPU engine: sampling, scores, gradients and updates in one compiled loop."""
