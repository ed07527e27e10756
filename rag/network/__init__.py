"""HTTP to servers that are not trusted: checked addresses, and limits on time and bytes."""
