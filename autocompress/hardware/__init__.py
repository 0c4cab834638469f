"""Hardware profiles, the latency model, its calibration, and the profiler that measures a machine."""
