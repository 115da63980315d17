"""Measures, each against something in the same run. `./mesh bench [NAME]` runs them; see `framework.py`."""
