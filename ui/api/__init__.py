"""The interface for programs: HTTP, OpenAI's form and MCP, over the engine and the queues of the web chat."""
