"""The fused GPU engine: sampling, scores, gradients and updates in Triton kernels."""
