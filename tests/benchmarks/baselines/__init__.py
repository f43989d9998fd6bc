"""Programs that run as processes next to a copy of the package, without the benchmarks."""
