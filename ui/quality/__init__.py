"""The Quality tab: runs of the eval suite."""
