"""Where there is no CUDA, triton's kernels are run by its interpreter: this must be said before they are imported."""

import os

import torch

if not torch.cuda.is_available():
    os.environ["TRITON_INTERPRET"] = "1"
