"""The domain models: frozen values and pure rules, one file per concept. Standard library only."""
