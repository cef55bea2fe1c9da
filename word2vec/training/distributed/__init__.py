"""Several processes that train one model: an engine that wraps an engine, and a process group."""
