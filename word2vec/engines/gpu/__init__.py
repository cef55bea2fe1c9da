"""The fused GPU engine: the same in triton kernels."""
