"""The examples of these pages run as tests; PyTorch is large, and need not be there."""

from importlib.util import find_spec

collect_ignore = [] if find_spec("torch") else ["python/torch.md"]
