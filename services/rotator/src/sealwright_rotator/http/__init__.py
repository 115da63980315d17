"""The HTTP door: the seed's issuer routes and the directories."""
