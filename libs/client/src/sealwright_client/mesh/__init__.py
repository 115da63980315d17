"""What ``./mesh`` does once the environment stands: run the mesh, show it, test it, check it, measure it."""
