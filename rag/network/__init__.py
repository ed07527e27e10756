"""HTTP to places that are not trusted: checked addresses, bounded time and bytes."""
