"""The Settings tab: the settings that each reader has."""
